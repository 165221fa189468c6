"""The Dagster runs that a command plans: over some days of one cost center, or over everything.

`runs` executes them; `watching` and `telling` show their progress.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from circleci_cost.assets import BY_DAY, COSTED, DAILY_COSTS, INGESTED, PUBLISHED, USAGE_EXPORTS

# The assets of a run over one cost center; one run for all of them makes the other assets.
_ASSETS_BY_JOB = {"ingest": INGESTED, "reprice": COSTED, "refresh": (*INGESTED, *COSTED)}


@dataclass(frozen=True)
class PlannedRun:
    """One run: a job over some days of one cost center; `assets` narrows it to some of the job's assets."""

    job: str
    cost_center: str
    first: date
    last: date
    assets: tuple[str, ...] = ()
    refetch: bool = False
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def lane(self) -> str:
        """The lane of the run: its runs follow each other, and a failed one ends the lane."""
        return self.cost_center

    @property
    def made_assets(self) -> tuple[str, ...]:
        """The assets of the run."""
        return self.assets or _ASSETS_BY_JOB[self.job]

    @property
    def days(self) -> int:
        """The number of days."""
        return (self.last - self.first).days + 1

    @property
    def title(self) -> str:
        """The days of the run, for people."""
        return f"{self.first} – {self.last}"

    @property
    def partitions(self) -> dict[str, str] | None:
        """The cost center and days of the run, for the worker."""
        return {"cost_center": self.cost_center, "first": self.first.isoformat(), "last": self.last.isoformat()}


@dataclass(frozen=True)
class WholeRun:
    """One run of a job whose assets have no partitions: it covers all cost centers and days."""

    job: str
    lane: str
    assets: tuple[str, ...] = ()
    refetch: bool = False
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    days: int = 1
    title: str = ""
    partitions: None = None

    @property
    def made_assets(self) -> tuple[str, ...]:
        """The assets of the run."""
        return self.assets


AnyRun: TypeAlias = PlannedRun | WholeRun


def fetches(run: AnyRun) -> bool:
    """Whether a run asks CircleCI for an export."""
    return USAGE_EXPORTS.name in run.made_assets


def prices(run: AnyRun) -> bool:
    """Whether a run computes daily costs: the assets that depend on them have to be made after it."""
    return DAILY_COSTS.name in run.made_assets


def progress_assets(run: AnyRun) -> tuple[str, ...]:
    """The assets whose events show the progress of a run: those it makes day by day, else its publication."""
    by_day = tuple(name for name in run.made_assets if name in BY_DAY)
    return by_day or tuple(name for name in run.made_assets if name == PUBLISHED.name)


def by_lane(runs: Sequence[AnyRun]) -> dict[str, list[AnyRun]]:
    """The runs of each lane, in order."""
    lanes: dict[str, list[AnyRun]] = {}
    for run in runs:
        lanes.setdefault(run.lane, []).append(run)
    return lanes
