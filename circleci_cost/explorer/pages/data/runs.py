"""The last runs and the checks that did not pass, from Dagster's record."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.dagster_record import FailedCheck, Record, RecordedRun
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.text.units import duration

_BADGES = {"SUCCESS": "good", "FAILURE": "bad", "CANCELED": "warn", "CANCELING": "warn"}
# What Dagster calls a run of some assets that no job names.
_UNNAMED = "__ASSET_JOB"


@dataclass(frozen=True)
class ShownRun:
    """A run in words; `href` leads to it in Dagster, None where no address is configured."""

    job: str
    name: str
    cost_center: str
    days: str
    status: str
    badge: str
    started: datetime | None
    took: str
    href: str | None


@dataclass(frozen=True)
class RunsAndChecks:
    """The record as the page shows it: `state` says how current it is, or why there is none."""

    runs: Sequence[ShownRun]
    checks: Sequence[FailedCheck]
    at: datetime | None
    state: str
    is_bad: bool
    dagster: str | None


def runs_and_checks(record: Record, snapshot: Snapshot) -> RunsAndChecks:
    """The record in words."""
    url = snapshot.settings.explorer.dagster_url
    dagster = str(url).rstrip("/") if url else None
    return RunsAndChecks(
        runs=[_shown(run, dagster) for run in record.runs],
        checks=record.checks,
        at=record.at if not record.problem else None,
        state=_state(record),
        is_bad=bool(record.problem),
        dagster=dagster,
    )


def _state(record: Record) -> str:
    if record.problem:
        place = f" ({record.home})" if record.home else ""
        return f"Dagster's record of runs{place} cannot be read: {record.problem}"
    if record.home is None:
        return "There is no Dagster instance here yet: the first `circleci-cost sync` or `dagster dev` makes one."
    if record.at is None:
        return "Dagster's record is being read, which takes a few seconds; reload this page."
    return ""


def _shown(run: RecordedRun, dagster: str | None) -> ShownRun:
    is_over = run.started is not None and run.ended is not None
    return ShownRun(
        job="some assets" if run.job == _UNNAMED else run.job,
        name=run.run_id[:8],
        cost_center=run.cost_center,
        days=str(DayRange(run.first, run.last)) if run.first and run.last else "",
        status=run.status.lower().replace("_", " "),
        badge=_BADGES.get(run.status, "quiet"),
        started=run.started,
        took=duration((run.ended - run.started).total_seconds()) if is_over and run.ended and run.started else "",
        href=f"{dagster}/runs/{run.run_id}" if dagster else None,
    )
