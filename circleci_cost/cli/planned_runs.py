"""The Dagster runs that a command plans: over some days of one cost center, or over everything.

Executing them is `runs`' business, their progress `watching`'s and `telling`'s.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from circleci_cost.assets import BY_DAY, COSTED, DAILY_COSTS, INGESTED, PUBLISHED, USAGE_EXPORTS

# What a run of a cost center makes; what follows is made by one run for all of them.
_MADE = {"ingest": INGESTED, "reprice": COSTED, "refresh": (*INGESTED, *COSTED)}


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
        """Runs of one lane follow each other, and a failed one ends its lane."""
        return self.cost_center

    @property
    def made(self) -> tuple[str, ...]:
        """The assets of the run."""
        return self.assets or _MADE[self.job]

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def title(self) -> str:
        """What the run is about."""
        return f"{self.first} – {self.last}"

    @property
    def partitions(self) -> dict[str, str] | None:
        """What the worker has to know of its days."""
        return {"cost_center": self.cost_center, "first": self.first.isoformat(), "last": self.last.isoformat()}


@dataclass(frozen=True)
class WholeRun:
    """One run of a job whose assets have no partitions: it is over all cost centers and days."""

    job: str
    lane: str
    assets: tuple[str, ...] = ()
    refetch: bool = False
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    days: int = 1
    title: str = ""
    partitions: None = None

    @property
    def made(self) -> tuple[str, ...]:
        """The assets of the run."""
        return self.assets


AnyRun: TypeAlias = PlannedRun | WholeRun


def fetches(run: AnyRun) -> bool:
    """Whether a run asks CircleCI for an export."""
    return USAGE_EXPORTS.name in run.made


def prices(run: AnyRun) -> bool:
    """Whether a run computes daily costs: what follows has to be made after it."""
    return DAILY_COSTS.name in run.made


def counted(run: AnyRun) -> tuple[str, ...]:
    """The assets whose events tell how far a run is: those it makes day by day, else its publication."""
    by_day = tuple(name for name in run.made if name in BY_DAY)
    return by_day or tuple(name for name in run.made if name == PUBLISHED.name)


def by_lane(runs: Sequence[AnyRun]) -> dict[str, list[AnyRun]]:
    """The runs of each lane, in their order."""
    lanes: dict[str, list[AnyRun]] = {}
    for run in runs:
        lanes.setdefault(run.lane, []).append(run)
    return lanes
