"""Explains where the cost of a tag's values came from, from a published generation."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.reporting.filters import Filter, FilterOperator
from circleci_cost.model.reporting.report import Amount
from circleci_cost.text.amounts import percent
from circleci_cost.warehouse.core.conditions import Parameters
from circleci_cost.warehouse.core.cost_rows import make_view, rows_for
from circleci_cost.warehouse.core.filters import filtered, known_filters
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

    @property
    def shares(self) -> str:
        """The shares in words: `25.0 % – 46.3 %`; empty where nothing was split."""
        if self.split is None:
            return ""
        least, greatest = (percent(share, 1) for share in (self.least_share, self.greatest_share))
        return least if least == greatest else f"{least} – {greatest}"


def explain(
    connection: duckdb.DuckDBPyConnection,
    tag: str,
    days: DayRange,
    values: Sequence[str] = (),
    filters: Sequence[Filter] = (),
) -> list[Origin]:
    """The origins of these values of a tag (all values where none is named), the largest cost first.

    In: a connection of a generation, and filters of dimensions. The amounts of a value add up to the report's figure
    for it. Raises `UsageError` for a value that no cost has.
    """
    only = (Filter(tag, FilterOperator.IS, tuple(values)),) if values else ()
    checked = known_filters(connection, (*filters, *only))
    source = rows_for([tag])
    make_view(connection, source)
    parameters = Parameters()
    query = sql("allocation/explain").format(view=source.view, where=filtered(source, checked, parameters))
    parameters.values |= {"tag": tag, "first": days.first, "last": days.last}
    rows = connection.execute(query, parameters.values).fetchall()
    return [Origin(Amount(*row[7:]), *row[:7]) for row in rows]
