"""Explains where the cost of a tag's values came from, from a published generation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.reporting.report import Amount, known_value
from circleci_cost.model.usage.conditions import among
from circleci_cost.warehouse.core.conditions import Parameters
from circleci_cost.warehouse.core.cost_rows import make_view, rows_for, values_of
from circleci_cost.warehouse.core.statements import sql


@dataclass(frozen=True)
class Origin:
    """A part of a value's cost: the rule that gave `source_value`, and the split that moved a share of it here.

    Shares are 1 where nothing was split, and 0 on the row that keeps the counts of split costs.
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
    filters = {**(where or {}), tag: values}
    checked = {
        name: [known_value(name, value, values_of(connection, name)) for value in filters[name]] for name in filters
    }
    source = rows_for([tag])
    make_view(connection, source)
    parameters = Parameters()
    query = sql("allocation/explain").format(view=source.view, where=source.holding(among(checked), parameters))
    parameters.values |= {"tag": tag, "first": days.first, "last": days.last}
    rows = connection.execute(query, parameters.values).fetchall()
    return [Origin(Amount(*row[7:]), *row[:7]) for row in rows]
