"""What each value of a tag cost: its own cost, and what splits brought it.

Where each part of it comes from is told by `explain`; by other dimensions, `warehouse.reporting.report` answers.
"""

from dataclasses import dataclass

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.reporting.report import Amount, add_up
from circleci_cost.warehouse.core.cost_rows import make_view, rows_for
from circleci_cost.warehouse.core.statements import sql


@dataclass(frozen=True)
class ValueCost:
    """Exact sums of a value: `amount` is the report's figure, `direct` came by rules, `shared` by splits.

    `is_split` says that the value's own cost went to other values.
    """

    value: str
    amount: Amount
    direct: Amount
    shared: Amount
    is_split: bool


def value_costs(connection: duckdb.DuckDBPyConnection, tag: str, days: DayRange) -> list[ValueCost]:
    """The values that have a cost, credits or runs on these days, the largest cost first.

    In: a connection of a generation with this tag.
    """
    source = rows_for([tag])
    make_view(connection, source)
    query = sql("allocation/value_costs").format(view=source.view)
    rows = connection.execute(query, {"tag": tag, "first": days.first, "last": days.last}).fetchall()
    parts = {(value, shared): Amount(*amount) for value, shared, _, *amount in rows}
    nothing = add_up((), counted=True)
    return [
        ValueCost(
            value, Amount(*amount), parts.get((value, False), nothing), parts.get((value, True), nothing), is_split
        )
        for value, shared, is_split, *amount in rows
        if shared is None
    ]
