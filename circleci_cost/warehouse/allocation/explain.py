"""Where the cost of a tag's values came from, asked of a published generation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from circleci_cost.model.pricing.price_periods import DayRange
from circleci_cost.model.reporting.report import Amount, known_value
from circleci_cost.model.usage.schema import DIMENSIONS
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.reporting.report import values_of


@dataclass(frozen=True)
class Origin:
    """A part of a value's cost: the rule that gave `source_value`, and the split that took a share of it here.

    Shares are 1 where nothing was split, and 0 on the row that keeps the counts of what was.
    """

    amount: Amount
    value: str
    rule: str
    source_value: str
    split: str | None
    least_share: Decimal
    greatest_share: Decimal
    days: int


def explain(
    connection: duckdb.DuckDBPyConnection,
    tag: str,
    days: DayRange,
    values: Sequence[str] = (),
    where: Mapping[str, Sequence[str]] | None = None,
) -> list[Origin]:
    """The origins of these values of a tag (all values where none is named), the largest cost first.

    In: a connection of a generation, and filters by dimension. The amounts of a value add up to the report's figure
    for it. Raises `UsageError` for a value that no cost has.
    """
    connection.execute(sql("core/report_rows"))
    parameters: dict[str, object] = {
        name: [known_value(name, value, values_of(connection, name)) for value in (where or {}).get(name, ())]
        for name in DIMENSIONS
    }
    asked = [known_value(tag, value, values_of(connection, tag)) for value in values]
    parameters |= {"tag": tag, "first": days.first, "last": days.last, "value": asked}
    rows = connection.execute(sql("allocation/explain"), parameters).fetchall()
    return [Origin(Amount(*row[7:]), *row[:7]) for row in rows]
