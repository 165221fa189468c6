"""The published generations that are kept: a reader that began with an older one finishes with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from circleci_cost.errors import CircleciCostError
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.warehouse.publishing.generations import finished_generations


@dataclass(frozen=True)
class Publication:
    """One generation; `costs` is the number of its rows of daily costs, `rows` that of all its tables."""

    name: str
    published_at: datetime
    days: str
    costs: int
    rows: int
    is_shown: bool


@dataclass(frozen=True)
class Publications:
    """The generations, the newest first, or why they cannot be listed."""

    rows: Sequence[Publication]
    problem: str = ""


def publications(snapshot: Snapshot) -> Publications:
    """The generations of the data directory; the one that this page was made from is marked."""
    try:
        generations = finished_generations(snapshot.lake)
    except CircleciCostError as error:
        return Publications((), str(error))
    shown = snapshot.generation.manifest.generation
    return Publications(
        [
            Publication(
                manifest.generation,
                manifest.published_at,
                manifest.days,
                manifest.rows.get("daily_costs", 0),
                sum(manifest.rows.values()),
                manifest.generation == shown,
            )
            for manifest in (generation.manifest for generation in generations)
        ]
    )
