"""Cuts a set of days into export windows: at most 31 whole UTC days each, within the API's reach.

Pure; the caller decides whether a day is fetched again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from circleci_cost.circleci.delivery import newest_day

MAX_DAYS = 31
REACH_DAYS = 366


@dataclass(frozen=True, order=True)
class Window:
    """Whole UTC days, both ends included."""

    first_day: date
    last_day: date

    @property
    def start(self) -> str:
        """The first second, as the API takes it (RFC 3339)."""
        return f"{self.first_day}T00:00:00Z"

    @property
    def end(self) -> str:
        """The last second; with the next midnight instead, 31 days would include a date of the next window."""
        return f"{self.last_day}T23:59:59Z"

    def __str__(self) -> str:
        """Return the days as a person writes them."""
        return f"{self.first_day}" if self.first_day == self.last_day else f"{self.first_day} to {self.last_day}"


@dataclass(frozen=True)
class Plan:
    """The windows to request, and the days that no request can bring: too old, or not with CircleCI yet."""

    windows: list[Window]
    out_of_reach: list[date]
    not_yet: list[date]


def plan_windows(days: Collection[date], now: datetime, reach_days: int = REACH_DAYS) -> Plan:
    """Cut `days` (any order) into windows of consecutive days, at most 31 each, the oldest first.

    `now` is aware. A day is out of reach where its midnight lies more than `reach_days` x 24 h
    before `now` (the API's strict rule), and not yet available where it is not over in UTC, or where CircleCI
    cannot have brought it yet (`delivery`).
    """
    newest = newest_day(now)
    oldest = now - timedelta(days=reach_days)
    wanted = sorted(set(days))
    not_yet = [day for day in wanted if day > newest]
    out_of_reach = [day for day in wanted if day <= newest and datetime.combine(day, time(), UTC) < oldest]
    return Plan(windows_of(set(wanted) - {*not_yet, *out_of_reach}), out_of_reach, not_yet)


def windows_of(days: Collection[date]) -> list[Window]:
    """Cut `days` (any order) into windows of consecutive days, at most 31 each, the oldest first."""
    runs: list[list[date]] = []
    for day in sorted(set(days)):
        if runs and len(runs[-1]) < MAX_DAYS and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    return [Window(run[0], run[-1]) for run in runs]
