"""Which days of the history are there and final, which have to be fetched, and which only an import can bring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from circleci_cost.circleci import Window, plan_windows, windows_of
from circleci_cost.config.settings import Settings
from circleci_cost.days import days_between
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import LandedExport, landed_exports
from circleci_cost.lake.settling import unread_days, unsettled_days
from circleci_cost.model.pricing.price_periods import DayRange, as_ranges, say_ranges

# What is left for days that CircleCI no longer serves.
IMPORT_THEM = "import usage files that you have of them with `circleci-cost import`, or set a later history_start"


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
    return reach_of(lake, cost_center, missing, now)


def reach_of(lake: Lake, cost_center: str, days: Sequence[date], now: datetime) -> OpenDays:
    """Tell days that a run can bring from those that only an import can. Raises `StorageError`."""
    found = _by_reach(cost_center, days, now)
    # A day that is there or has landed needs no CircleCI: a run was cut off in between, however long ago the day is.
    here = {
        *lake.job_runs_days(cost_center),
        *unread_days(lake, cost_center, found.out_of_reach, landed_exports(lake, cost_center)),
    }
    return OpenDays(
        cost_center,
        tuple(sorted({*found.fetchable, *here.intersection(found.out_of_reach)})),
        tuple(day for day in found.out_of_reach if day not in here),
    )


def missing_sentences(lake: Lake, missing: Mapping[str, Sequence[DayRange]], what: str, now: datetime) -> list[str]:
    """What can be done about days without data, by cost center: fetching, or importing files. `what` names the days."""
    fetchable, too_old = [], []
    for name, ranges in missing.items():
        days = [day for each in ranges for day in days_between(each.first, each.last)]
        found = reach_of(lake, name, days, now)
        if found.fetchable:
            fetchable.append(f"{name}: {say_ranges(as_ranges(found.fetchable))}")
        if found.out_of_reach:
            too_old.append(f"{name}: {say_ranges(as_ranges(found.out_of_reach))}")
    sentences = []
    if fetchable:
        sentences.append(f"{what}, {'; '.join(fetchable)}; run `circleci-cost backfill` to fetch them.")
    if too_old:
        sentences.append(f"{what} and older than CircleCI serves, {'; '.join(too_old)}; {IMPORT_THEM}.")
    return sentences


def overdue_days(settings: Settings, lake: Lake, cost_center: str, now: datetime) -> OpenDays:
    """The days that are there and should be final by now, but were exported while CircleCI could still restate them.

    A day is due to be final a day after it can be: the daily run has had its turn by then. Raises `StorageError`.
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
    """What the daily run is about, the newest first: every day since the first one fetched that is not final yet.

    So days are fetched again as long as CircleCI may restate them, and days that an outage left out, unsettled or
    unread are caught up on, however long ago. The history before the first connect is a backfill's work.
    Raises `StorageError` for a manifest that is not readable.
    """
    landed = landed_exports(lake, cost_center)
    first = min((export.manifest.first_day for export in landed if export.manifest.complete), default=None)
    begun = first if first is not None else _first_look(settings, now)
    days = days_between(max(begun, settings.history_start), _yesterday(now))
    # Imported days are there before the first export is: those taken too early, or never read, are caught up on, too.
    imported = {
        day
        for export in landed
        if not export.manifest.complete
        for day in days_between(export.manifest.first_day, export.manifest.last_day)
        if settings.history_start <= day < begun
    }
    return windows_of(open_days(settings, lake, cost_center, sorted({*imported, *days}), now, landed=landed))[::-1]


def first_windows(settings: Settings, now: datetime) -> list[Window]:
    """What the daily run is about where nothing is known of what is there: the last `restatement_days`."""
    return windows_of(days_between(_first_look(settings, now), _yesterday(now)))


def _first_look(settings: Settings, now: datetime) -> date:
    return max(settings.history_start, _yesterday(now) - timedelta(days=settings.restatement_days - 1))


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
    there = set(lake.job_runs_days(cost_center))
    unsettled = set(_unsettled(settings, cost_center, days, landed))
    wanted = [day for day in days if day not in there or day in unsettled]
    plan = plan_windows(wanted, now)
    fetchable = set(wanted) - {*plan.out_of_reach, *plan.not_yet}
    return sorted({*fetchable, *unread_days(lake, cost_center, days, landed)})


def _unsettled(
    settings: Settings, cost_center: str, days: Sequence[date], landed: Sequence[LandedExport]
) -> list[date]:
    organizations = settings.cost_center(cost_center).organizations
    return unsettled_days(days, landed, settings.restatement_days, trust_imports=True, organizations=organizations)


def _by_reach(cost_center: str, days: Sequence[date], now: datetime) -> OpenDays:
    out_of_reach = set(plan_windows(days, now).out_of_reach)
    fetchable = tuple(day for day in days if day not in out_of_reach)
    return OpenDays(cost_center, fetchable, tuple(sorted(out_of_reach)))


def _yesterday(now: datetime) -> date:
    return now.astimezone(UTC).date() - timedelta(days=1)
