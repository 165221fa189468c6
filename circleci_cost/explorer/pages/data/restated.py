"""What CircleCI changed in days that it had exported before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.warehouse.reporting.freshness import restatements

_MOST = 25
TABLE = "usage_restatements"


@dataclass(frozen=True)
class Restatement:
    """One day that a later export changed."""

    cost_center: str
    date: date
    recorded_at: datetime
    added: int
    removed: int
    changed: int
    credits_change: Decimal


@dataclass(frozen=True)
class Restated:
    """The newest restatements, and how many there are."""

    rows: Sequence[Restatement]
    number: int


def restated(snapshot: Snapshot) -> Restated:
    """The restatements that the generation was published with."""
    rows = [
        Restatement(
            row["cost_center"],
            row["date"],
            row["recorded_at"].replace(tzinfo=UTC),
            row["jobs_added"],
            row["jobs_removed"],
            row["jobs_changed"],
            row["credits_change"],
        )
        for row in restatements(snapshot.connection, _MOST).to_dicts()
    ]
    return Restated(rows, snapshot.generation.manifest.rows[TABLE])
