"""What an incident is about, as filters, so that other questions can be asked about the same costs."""

from collections.abc import Mapping, Sequence
from typing import Any

from circleci_cost.model.reporting.filters import Filter, FilterOperator
from circleci_cost.model.usage.charge_types import BOOKED_CHARGE_TYPES
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, HIERARCHY


def scope_of(row: Mapping[str, Any]) -> Sequence[Filter]:
    """The filters that leave the costs of an incident's series; in: a row of `anomaly_incidents`.

    CircleCI books seats and the like on jobs that did not cause them: they are in no series but their own.
    """
    named = [(name, row[name]) for name in HIERARCHY if row[name] is not None]
    if row["tag"] is not None:
        named.append((row["tag"], row["tag_value"]))
    if row["charge_type"] is not None:
        named.append((CHARGE_TYPE, row["charge_type"]))
    filters = [Filter(name, FilterOperator.IS, (value,)) for name, value in named]
    if row["charge_type"] is None:
        filters.append(Filter(CHARGE_TYPE, FilterOperator.IS_NOT, BOOKED_CHARGE_TYPES))
    return filters
