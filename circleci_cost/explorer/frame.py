"""What stands around every page: navigation, how far the data reach, when they were published, and what is amiss.

Only what the manifest and small tables tell: it is asked for with every page. The page `data` looks closer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from circleci_cost.clock import utc_yesterday
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.text.amounts import exact_number
from circleci_cost.text.sentences import sentence_case
from circleci_cost.warehouse.core.statements import one_row
from circleci_cost.warehouse.publishing.edited import edited

# CircleCI delivers a day by 10:00 UTC of the next one; a daily run comes after that.
_USUAL_DAYS_BEHIND = 2


@dataclass(frozen=True)
class Status:
    """The state of the data; each of the `notes` says what to do."""

    through: str
    published_at: datetime
    prices_as_of: datetime | None
    notes: Sequence[str]
    is_demo: bool


def status_of(snapshot: Snapshot) -> Status:
    """The state of a snapshot's generation."""
    manifest = snapshot.generation.manifest
    (costed_at,) = one_row(snapshot.connection, "SELECT max(costed_at) FROM usage_days")
    return Status(
        sentence_case(manifest.through),
        manifest.published_at,
        costed_at.replace(tzinfo=UTC) if costed_at else None,
        tuple(_notes(snapshot)),
        snapshot.settings.is_demo,
    )


def _notes(snapshot: Snapshot) -> Iterator[str]:
    manifest = snapshot.generation.manifest
    if manifest.unpriced_credits:
        yield (
            f"{exact_number(manifest.unpriced_credits)} credits have no price and are in no dollar amount: add a price "
            "period for their days (`circleci-cost check` names them), then run `circleci-cost reprice`."
        )
    if manifest.data_through and _days_behind(manifest.data_through, snapshot) > _USUAL_DAYS_BEHIND:
        yield (
            f"The data end on {manifest.data_through}: run `circleci-cost sync`, or look at why the daily run of "
            "Dagster has not brought the days since."
        )
    if sentence := edited(snapshot.settings, snapshot.generation):
        yield f"{sentence}."


def _days_behind(data_through: date, snapshot: Snapshot) -> int:
    return (utc_yesterday(snapshot.clock) - data_through).days
