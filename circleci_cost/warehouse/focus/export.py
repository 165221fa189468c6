"""Exports the usage of some days month by month, and proves that its cost is that of the published daily costs.

`charges` and `rows` make the rows, `files` writes them; where a folder or a file goes, the callers decide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from circleci_cost.database import spill_into
from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import CircleciCostError
from circleci_cost.lake.layout import Lake
from circleci_cost.model.focus.columns import Grain, Style
from circleci_cost.text.amounts import exact
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.focus.charges import make_charges, make_lots
from circleci_cost.warehouse.focus.rows import make_rows


@dataclass(frozen=True)
class Source:
    """What is exported: a generation's connection, the lake it came from, its virtual tags, who pays.

    `payers` are the paying organizations' ids by configured cost center.
    """

    connection: duckdb.DuckDBPyConnection
    lake: Lake
    tags: Sequence[str]
    payers: Mapping[str, str]
    grain: Grain = Grain.DAY
    style: Style = Style.USD


@dataclass(frozen=True)
class Month:
    """The exported days of one month, and the exact sums of their charges."""

    days: DayRange
    charges: int
    credits: Decimal
    cost_usd: Decimal

    @property
    def name(self) -> str:
        """The month as files are named by it."""
        return f"{self.days.first:%Y-%m}"


def bound_memory(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Let DuckDB spill into `folder` beyond some memory; a connection would use most of the machine's otherwise."""
    connection.execute("SET memory_limit = '1GB'")
    spill_into(connection, folder)


def months_between(connection: duckdb.DuckDBPyConnection, days: DayRange) -> list[DayRange]:
    """The months of `days` in which there is something to export, the first and the last one cut to `days`."""
    make_lots(connection)
    rows = connection.execute(sql("focus/months"), {"first": days.first, "last": days.last}).fetchall()
    return [DayRange(first, last) for first, last in rows]


def months_of_rows(source: Source, days: DayRange) -> Iterator[Month]:
    """Have the rows of each month in `focus_rows`, one month after the other; the view is good until the next one.

    Raises `CircleciCostError` where the charges do not add up to the published costs, to the last digit.
    """
    for month in months_between(source.connection, days):
        for name, day in {"focus_first": month.first, "focus_last": month.last}.items():
            source.connection.execute(f"SET VARIABLE {name} = $day", {"day": day})
        make_charges(source.connection, source.lake, source.grain, source.tags, month)
        make_rows(source.connection, source.payers, source.style, source.grain)
        yield _proven(source, month)


def _proven(source: Source, days: DayRange) -> Month:
    charges, credits, cost, published_credits, published_cost = one_row(
        source.connection, sql("focus/sums"), {"first": days.first, "last": days.last}
    )
    if (credits, cost) != (published_credits, published_cost):
        raise CircleciCostError(
            f"The charges of {days} add up to {exact(credits)} credits and {exact(cost)} USD, the published daily "
            f"costs to {exact(published_credits)} and {exact(published_cost)}: job runs or rules have changed since "
            "the publication. Run `circleci-cost reprice`, which fetches nothing, then export again. Nothing was "
            "written."
        )
    return Month(days, charges, credits, cost)
