"""The days that are missing or not final, as ranges, each with what brings or settles them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from circleci_cost.circleci import DELIVERY, plan_windows
from circleci_cost.clock import utc_today, utc_yesterday
from circleci_cost.day_ranges import DayRange, as_ranges
from circleci_cost.days import days_between
from circleci_cost.errors import CircleciCostError
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.history.coverage import reach_of
from circleci_cost.history.reports import overdue_ranges
from circleci_cost.warehouse.reporting.report import days_with_data, not_published, not_settled

_FETCH = "circleci-cost backfill"
_IMPORT = "circleci-cost import"
_SETTLE = "circleci-cost sync"
_MISSING, _AWAITED, _NOT_FINAL = "missing", "not there yet", "not final"


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

    @property
    def missing(self) -> int:
        """How many days are missing, over all cost centers."""
        return self._number(_MISSING)

    @property
    def not_final(self) -> int:
        """How many days may still change, over all cost centers."""
        return self._number(_NOT_FINAL)

    def _number(self, state: str) -> int:
        return sum(each.days.days for each in self.ranges if each.state == state)


def open_days(snapshot: Snapshot) -> OpenDays:
    """The open days of all configured cost centers, those that need somebody first."""
    missing, unsettled = _missing(snapshot), _unsettled(snapshot)
    overdue = overdue_ranges(unsettled, utc_today(snapshot.clock), snapshot.settings.restatement_days)
    ranges: list[OpenRange] = []
    problems = []
    for name in snapshot.cost_centers:
        try:
            ranges += _missing_ranges(snapshot, name, missing.get(name, ()))
        except CircleciCostError as error:
            problems.append(str(error))
        ranges += _restatable_ranges(snapshot, name, unsettled.get(name, ()), overdue.get(name, ()))
    return OpenDays(sorted(ranges, key=lambda each: not each.is_bad), problems)


def _missing(snapshot: Snapshot) -> dict[str, list[DayRange]]:
    first, last = snapshot.settings.history_start, utc_yesterday(snapshot.clock)
    if first > last:
        return {}
    return not_published(snapshot.connection, snapshot.cost_centers, DayRange(first, last))


def _unsettled(snapshot: Snapshot) -> dict[str, list[DayRange]]:
    available = days_with_data(snapshot.connection)
    return not_settled(snapshot.connection, snapshot.cost_centers, available) if available else {}


def _missing_ranges(snapshot: Snapshot, name: str, missing: Sequence[DayRange]) -> Iterator[OpenRange]:
    """Raises `StorageError` where the lake cannot tell which of them it holds."""
    if not missing:
        return
    reach = reach_of(snapshot.lake, name, _days(missing), snapshot.clock.now())
    for days in as_ranges(reach.fetchable):
        yield OpenRange(name, days, _MISSING, "CircleCI still serves them: run", _FETCH, is_bad=True)
    for days in as_ranges(reach.out_of_reach):
        advice = "older than CircleCI serves: set a later history_start, or import usage files that you have of them:"
        yield OpenRange(name, days, _MISSING, advice, _IMPORT)
    for days in as_ranges(reach.not_yet):
        yield OpenRange(name, days, _AWAITED, f"{DELIVERY}; the daily run fetches it")


def _restatable_ranges(
    snapshot: Snapshot, name: str, unsettled: Sequence[DayRange], overdue: Sequence[DayRange]
) -> Iterator[OpenRange]:
    due = _days(overdue)
    too_old = set(plan_windows(due, snapshot.clock.now()).out_of_reach)
    for days in as_ranges(day for day in due if day not in too_old):
        yield OpenRange(name, days, _NOT_FINAL, "they should be final by now: run", _SETTLE, is_bad=True)
    for days in as_ranges(set(_days(unsettled)).difference(due)):
        yield OpenRange(name, days, _NOT_FINAL, "CircleCI may still change them; the daily run fetches them again")
    for days in as_ranges(too_old):
        yield OpenRange(name, days, _NOT_FINAL, "exported too early, and now older than CircleCI serves")


def _days(ranges: Iterable[DayRange]) -> list[date]:
    return [day for days in ranges for day in days_between(days.first, days.last)]
