"""Marks of the days in a chart: annotations, new prices, incidents that were decided about, restated days.

Reading the file of annotations is `model.reporting.annotations`' job; drawing marks that of the pages.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import polars as pl

from circleci_cost.config.decisions_file import decided_now
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.incidents.decisions import DECISIONS
from circleci_cost.model.incidents.text import status_words, title
from circleci_cost.model.reporting.annotations import WITHOUT_ANNOTATIONS, Mark, MarkKind, in_order, read_annotations
from circleci_cost.named_files.file_problem import FileProblem
from circleci_cost.text.amounts import WIDE, price, signed_percent, whole_number
from circleci_cost.text.plain import one_line
from circleci_cost.text.units import counted
from circleci_cost.warehouse.core.present_tables import is_present
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.incidents.incidents import INCIDENTS, read_incidents

# CircleCI restates most days by a little; smaller changes are no event.
SHARE_WORTH_A_MARK = Decimal("0.01")


@dataclass(frozen=True)
class Marks:
    """Marks by day, and the problems of files that could not be read; the marks are then without theirs."""

    marks: list[Mark]
    problems: list[FileProblem]


def marks(connection: duckdb.DuckDBPyConnection, settings: Settings, days: DayRange) -> Marks:
    """The marks of some days.

    In: the connection to a published generation. An incident that was decided about is marked on its first day.
    """
    noted, problems = _annotations(settings)
    decided, more_problems = _decisions(connection, settings)
    found = [*noted, *_prices(connection, days), *decided, *_restatements(connection, days)]
    within = [mark for mark in found if days.first <= mark.date <= days.last]
    return Marks(in_order(within), [*problems, *more_problems])


def _annotations(settings: Settings) -> tuple[list[Mark], list[FileProblem]]:
    if settings.explorer.annotations is None:
        return [], []
    path = settings.resolve(settings.explorer.annotations)
    try:
        return read_annotations(path), []
    except ConfigurationError as error:
        return [], [FileProblem("annotations", path, str(error), WITHOUT_ANNOTATIONS)]


def _prices(connection: duckdb.DuckDBPyConnection, days: DayRange) -> Iterator[Mark]:
    rows = connection.execute(sql("reporting/price_changes"), {"first": days.first, "last": days.last}).fetchall()
    for day, cost_center, amount in rows:
        text = "no price" if amount is None else f"{price(amount)} per credit"
        yield Mark(day, f"{cost_center}: {text}", MarkKind.PRICE)


def _decisions(connection: duckdb.DuckDBPyConnection, settings: Settings) -> tuple[list[Mark], list[FileProblem]]:
    # A generation of an earlier version may have no incidents.
    published = is_present(connection, INCIDENTS)
    if not published:
        return [], []
    now = decided_now(settings, read_incidents(connection))
    decided = now.incidents.filter(pl.col("status").is_in(DECISIONS)).sort("first_day", "incident_id")
    found = []
    for row in decided.iter_rows(named=True):
        reason = f" ({row['reason']})" if row["reason"] else ""
        text = one_line(f"{title(row)}; decided: {status_words(row)}{reason}")
        found.append(Mark(row["first_day"], text, MarkKind.DECISION))
    return found, [now.problem] if now.problem else []


def _restatements(connection: duckdb.DuckDBPyConnection, days: DayRange) -> Iterator[Mark]:
    asked = {"first": days.first, "last": days.last, "share": SHARE_WORTH_A_MARK}
    rows = connection.execute(sql("reporting/restated_days"), asked).fetchall()
    for day, added, removed, changed, change, before in rows:
        sign = "+" if change > 0 else ""
        share = f" ({signed_percent(WIDE.divide(change, before), 1)})" if before > 0 else ""
        jobs = [(added, "added"), (removed, "removed"), (changed, "changed")]
        what = ", ".join(f"{counted(number, 'job')} {word}" for number, word in jobs if number)
        text = f"restated: {sign}{whole_number(change)} credits{share}; {what}"
        yield Mark(day, text, MarkKind.RESTATEMENT)
