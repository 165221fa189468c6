"""Which days of the history are there, which could be fetched, and which only an import can bring."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from circleci_cost.circleci import plan_windows
from circleci_cost.days import days_between
from circleci_cost.lake.layout import Lake
from circleci_cost.settings import Settings


@dataclass(frozen=True)
class MissingDays:
    """The days of one cost center without job runs."""

    cost_center: str
    fetchable: tuple[date, ...]
    out_of_reach: tuple[date, ...]


def missing_days(settings: Settings, lake: Lake, cost_center: str, now: datetime) -> MissingDays:
    """The days from `history_start` to yesterday (UTC) that have no job runs, empty days being there."""
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    there = set(lake.job_runs_days(cost_center))
    missing = [day for day in days_between(settings.history_start, yesterday) if day not in there]
    plan = plan_windows(missing, now)
    out_of_reach = set(plan.out_of_reach)
    return MissingDays(cost_center, tuple(day for day in missing if day not in out_of_reach), tuple(plan.out_of_reach))


def look_back(settings: Settings, lake: Lake, cost_center: str, now: datetime) -> tuple[date, date]:
    """The days of the daily run: the last `restatement_days`, and what was missed while nothing ran.

    Days missed are those since the last one that is there, at most one export job's 31 days; a longer gap, and
    the history before the first connect, are a backfill's work.
    """
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    first = yesterday - timedelta(days=settings.restatement_days - 1)
    newest = max(lake.job_runs_days(cost_center), default=None)
    if newest is not None:
        first = min(first, newest + timedelta(days=1))
    earliest = max(settings.history_start, yesterday - timedelta(days=30))
    return max(first, earliest), yesterday
