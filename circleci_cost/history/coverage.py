"""Which days of the history are present and final, which have to be fetched, and which only an import can bring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from circleci_cost.circleci import DELIVERY, Window, newest_day, plan_windows, windows_of
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.days import days_between
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import LandedExport, landed_exports
from circleci_cost.lake.settling import unread_days, unsettled_days

# The advice for days that CircleCI no longer serves.
IMPORT_THEM = "import usage files that you have of them with `circleci-cost import`, or set a later history_start"


@dataclass(frozen=True)
class OpenDays:
    """Days of one cost center that CircleCI can serve, those that it no longer can, and those that it cannot yet."""

    cost_center: str
    fetchable: tuple[date, ...]
    out_of_reach: tuple[date, ...]
    not_yet: tuple[date, ...]


def missing_days(settings: Settings, lake: Lake, cost_center: str, now: datetime) -> OpenDays:
    """The days from `history_start` to yesterday (UTC) without a file of job runs; empty days have one."""
    present = set(lake.job_runs_days(cost_center))
    missing = [day for day in days_between(settings.history_start, _yesterday(now)) if day not in present]
    return reach_of(lake, cost_center, missing, now)


def reach_of(lake: Lake, cost_center: str, days: Sequence[date], now: datetime) -> OpenDays:
    """Split days into those that a run can bring, those that only an import can, and those to wait for.

    Raises `StorageError`.
    """
    reach = _by_reach(cost_center, days, now)
    unserved = (*reach.out_of_reach, *reach.not_yet)
    # A day that was read or has landed needs no fetch, however old or new it is: only its run was cut off.
    in_lake = {
        *lake.job_runs_days(cost_center),
        *unread_days(lake, cost_center, unserved, landed_exports(lake, cost_center)),
    }
    return OpenDays(
        cost_center,
        tuple(sorted({*reach.fetchable, *in_lake.intersection(unserved)})),
        tuple(day for day in reach.out_of_reach if day not in in_lake),
        tuple(day for day in reach.not_yet if day not in in_lake),
    )


def missing_sentences(lake: Lake, missing: Mapping[str, Sequence[DayRange]], what: str, now: datetime) -> list[str]:
    """Say what to do about days without data, by cost center: fetch them, import files, wait. `what` names the days."""
    fetchable, too_old, not_yet = [], [], []
    for name, ranges in missing.items():
        days = [day for span in ranges for day in days_between(span.first, span.last)]
        reach = reach_of(lake, name, days, now)
        if reach.fetchable:
            fetchable.append(f"{name}: {say_ranges(as_ranges(reach.fetchable))}")
        if reach.out_of_reach:
            too_old.append(f"{name}: {say_ranges(as_ranges(reach.out_of_reach))}")
        if reach.not_yet:
            not_yet.append(f"{name}: {say_ranges(as_ranges(reach.not_yet))}")
    sentences = []
    if fetchable:
        sentences.append(f"{what}, {'; '.join(fetchable)}; run `circleci-cost backfill` to fetch them.")
    if too_old:
        sentences.append(f"{what} and older than CircleCI serves, {'; '.join(too_old)}; {IMPORT_THEM}.")
    if not_yet:
        sentences.append(f"{what}, {'; '.join(not_yet)}; wait for them: {DELIVERY}.")
    return sentences


def overdue_days(settings: Settings, lake: Lake, cost_center: str, now: datetime) -> OpenDays:
    """The present days that should be final by now, but were exported while CircleCI could still restate them.

    A day is due one day after it can be final: by then the daily run has had its turn. Raises `StorageError`.
    """
    today = now.astimezone(UTC).date()
    due = [day for day in lake.job_runs_days(cost_center) if is_due(day, today, settings.restatement_days)]
    landed = landed_exports(lake, cost_center)
    unsettled = _unsettled(settings, cost_center, due, landed)
    return _by_reach(cost_center, sorted({*unsettled, *unread_days(lake, cost_center, due, landed)}), now)


def is_due(day: date, today: date, restatement_days: int) -> bool:
    """Whether the daily runs have had the time to bring an export of `day` that CircleCI no longer restates."""
    return (today - day).days > restatement_days + 1


def daily_windows(settings: Settings, lake: Lake, cost_center: str, now: datetime) -> list[Window]:
    """The windows of the daily run, the newest first: every day since the first fetched one that is not final yet.

    So days are fetched again as long as CircleCI may restate them, and days that an outage left out, unsettled or
    unread are caught up on, however old they are. The history before the first fetch is a backfill's job.
    Raises `StorageError` for a manifest that is not readable.
    """
    landed = landed_exports(lake, cost_center)
    first = min((export.manifest.first_day for export in landed if export.manifest.complete), default=None)
    begun = first if first is not None else _first_look(settings, now)
    days = days_between(max(begun, settings.history_start), _yesterday(now))
    # Imported days may lie before the first export: those exported too early, or never read, are caught up on, too.
    imported = {
        day
        for export in landed
        if not export.manifest.complete
        for day in days_between(export.manifest.first_day, export.manifest.last_day)
        if settings.history_start <= day < begun
    }
    return windows_of(open_days(settings, lake, cost_center, sorted({*imported, *days}), now, landed=landed))[::-1]


def first_windows(settings: Settings, now: datetime) -> list[Window]:
    """The windows of the daily run where nothing is known of the present days: the last `restatement_days`."""
    return windows_of(days_between(_first_look(settings, now), newest_day(now)))


def _first_look(settings: Settings, now: datetime) -> date:
    return max(settings.history_start, newest_day(now) - timedelta(days=settings.restatement_days - 1))


def open_days(
    settings: Settings,
    lake: Lake,
    cost_center: str,
    days: Sequence[date],
    now: datetime,
    *,
    landed: Sequence[LandedExport] | None = None,
) -> list[date]:
    """Those of `days` that a run can bring: missing or not final and within CircleCI's reach, or landed and not read.

    `landed` are the cost center's exports where the caller has read them. Raises `StorageError` for a manifest that
    is not readable.
    """
    landed = landed_exports(lake, cost_center) if landed is None else landed
    present = set(lake.job_runs_days(cost_center))
    unsettled = set(_unsettled(settings, cost_center, days, landed))
    wanted = [day for day in days if day not in present or day in unsettled]
    plan = plan_windows(wanted, now)
    fetchable = set(wanted) - {*plan.out_of_reach, *plan.not_yet}
    return sorted({*fetchable, *unread_days(lake, cost_center, days, landed)})


def _unsettled(
    settings: Settings, cost_center: str, days: Sequence[date], landed: Sequence[LandedExport]
) -> list[date]:
    organizations = settings.cost_center(cost_center).organizations
    return unsettled_days(days, landed, settings.restatement_days, trust_imports=True, organizations=organizations)


def _by_reach(cost_center: str, days: Sequence[date], now: datetime) -> OpenDays:
    plan = plan_windows(days, now)
    fetchable = tuple(day for day in days if day not in {*plan.out_of_reach, *plan.not_yet})
    return OpenDays(cost_center, fetchable, tuple(plan.out_of_reach), tuple(plan.not_yet))


def _yesterday(now: datetime) -> date:
    return now.astimezone(UTC).date() - timedelta(days=1)
