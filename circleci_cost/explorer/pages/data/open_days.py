"""The days that are missing or not final, as ranges, each with what brings or settles them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from circleci_cost.day_ranges import DayRange, as_ranges
from circleci_cost.days import days_between
from circleci_cost.errors import CircleciCostError
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.history.coverage import missing_days, overdue_days
from circleci_cost.warehouse.reporting.report import days_with_data, not_settled

_FETCH = "circleci-cost backfill"
_IMPORT = "circleci-cost import"
_SETTLE = "circleci-cost sync"


@dataclass(frozen=True)
class OpenRange:
    """Days of one cost center with the same state; `command` is what to run, empty where waiting is enough."""

    cost_center: str
    days: DayRange
    state: str
    advice: str
    command: str = ""
    is_bad: bool = False


@dataclass(frozen=True)
class OpenDays:
    """All such days, and sentences about what could not be looked at."""

    ranges: Sequence[OpenRange]
    problems: Sequence[str]


def open_days(snapshot: Snapshot) -> OpenDays:
    """The open days of all configured cost centers, those that need somebody first."""
    ranges: list[OpenRange] = []
    problems = []
    restatable = _restatable(snapshot)
    for name in snapshot.cost_centers:
        try:
            ranges += _of_center(snapshot, name, restatable.get(name, []))
        except CircleciCostError as error:
            problems.append(str(error))
    return OpenDays(sorted(ranges, key=lambda each: not each.is_bad), problems)


def _restatable(snapshot: Snapshot) -> dict[str, list[DayRange]]:
    available = days_with_data(snapshot.connection)
    return not_settled(snapshot.connection, snapshot.cost_centers, available) if available else {}


def _of_center(snapshot: Snapshot, name: str, restatable: Sequence[DayRange]) -> Iterator[OpenRange]:
    now = snapshot.clock.now()
    missing = missing_days(snapshot.settings, snapshot.lake, name, now)
    overdue = overdue_days(snapshot.settings, snapshot.lake, name, now)
    for days in as_ranges(missing.fetchable):
        yield OpenRange(name, days, "missing", "CircleCI still serves them: run", _FETCH, is_bad=True)
    for days in as_ranges(missing.out_of_reach):
        advice = "older than CircleCI serves: set a later history_start, or import usage files that you have of them:"
        yield OpenRange(name, days, "missing", advice, _IMPORT)
    for days in as_ranges(overdue.fetchable):
        yield OpenRange(name, days, "not final", "they should be final by now: run", _SETTLE, is_bad=True)
    for days in as_ranges(_others(restatable, [*overdue.fetchable, *overdue.out_of_reach])):
        yield OpenRange(name, days, "not final", "CircleCI may still change them; the daily run fetches them again")
    for days in as_ranges(overdue.out_of_reach):
        yield OpenRange(name, days, "not final", "exported too early, and older than CircleCI serves")


def _others(ranges: Iterable[DayRange], known: Iterable[date]) -> list[date]:
    return sorted({day for days in ranges for day in days_between(days.first, days.last)} - set(known))
