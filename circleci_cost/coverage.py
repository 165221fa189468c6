"""Which days of the history are there and final, which have to be fetched, and which only an import can bring."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from circleci_cost.circleci import Window, plan_windows, windows_of
from circleci_cost.days import days_between
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import landed_exports
from circleci_cost.lake.settling import unread_days, unsettled_days
from circleci_cost.settings import Settings


@dataclass(frozen=True)
class OpenDays:
    """Days of one cost center that CircleCI can still serve, and those that it no longer can."""

    cost_center: str
    fetchable: tuple[date, ...]
    out_of_reach: tuple[date, ...]


def missing_days(settings: Settings, lake: Lake, cost_center: str, now: datetime) -> OpenDays:
    """The days from `history_start` to yesterday (UTC) that have no job runs, empty days being there."""
    there = set(lake.job_runs_days(cost_center))
    missing = [day for day in days_between(settings.history_start, _yesterday(now)) if day not in there]
    return _by_reach(cost_center, missing, now)


def overdue_days(settings: Settings, lake: Lake, cost_center: str, now: datetime) -> OpenDays:
    """The days that are there and should be final by now, but were exported while CircleCI could still restate them.

    A day is due to be final a day after it can be: the daily run has had its turn by then. Raises `StorageError`.
    """
    today = now.astimezone(UTC).date()
    due = [day for day in lake.job_runs_days(cost_center) if is_due(day, today, settings.restatement_days)]
    landed = landed_exports(lake, cost_center)
    unsettled = unsettled_days(due, landed, settings.restatement_days, trust_imports=True)
    return _by_reach(cost_center, sorted({*unsettled, *unread_days(lake, cost_center, due, landed)}), now)


def is_due(day: date, today: date, restatement_days: int) -> bool:
    """Whether the daily runs have had the time to bring an export of `day` that CircleCI no longer restates."""
    return (today - day).days > restatement_days + 1


def daily_windows(settings: Settings, lake: Lake, cost_center: str, now: datetime) -> list[Window]:
    """What the daily run is about, the newest first: every day since the first one fetched that is not final yet.

    So days are fetched again as long as CircleCI may restate them, and days that an outage left out, unsettled or
    unread are caught up on, however long ago. The history before the first connect is a backfill's work.
    Raises `StorageError` for a manifest that is not readable.
    """
    landed = landed_exports(lake, cost_center)
    first = min((export.manifest.first_day for export in landed if export.manifest.complete), default=None)
    if first is None:
        return first_windows(settings, now)
    days = days_between(max(first, settings.history_start), _yesterday(now))
    return windows_of(open_days(settings, lake, cost_center, days, now))[::-1]


def first_windows(settings: Settings, now: datetime) -> list[Window]:
    """What the daily run is about where nothing is known of what is there: the last `restatement_days`."""
    last = _yesterday(now)
    first = max(settings.history_start, last - timedelta(days=settings.restatement_days - 1))
    return windows_of(days_between(first, last))


def open_days(settings: Settings, lake: Lake, cost_center: str, days: Sequence[date], now: datetime) -> list[date]:
    """Those of `days` that a run can bring: missing or not final and within CircleCI's reach, or landed and not read.

    Raises `StorageError` for a manifest that is not readable.
    """
    landed = landed_exports(lake, cost_center)
    there = set(lake.job_runs_days(cost_center))
    unsettled = set(unsettled_days(days, landed, settings.restatement_days, trust_imports=True))
    wanted = [day for day in days if day not in there or day in unsettled]
    plan = plan_windows(wanted, now)
    fetchable = set(wanted) - {*plan.out_of_reach, *plan.not_yet}
    return sorted({*fetchable, *unread_days(lake, cost_center, days, landed)})


def _by_reach(cost_center: str, days: Sequence[date], now: datetime) -> OpenDays:
    out_of_reach = set(plan_windows(days, now).out_of_reach)
    fetchable = tuple(day for day in days if day not in out_of_reach)
    return OpenDays(cost_center, fetchable, tuple(sorted(out_of_reach)))


def _yesterday(now: datetime) -> date:
    return now.astimezone(UTC).date() - timedelta(days=1)
