"""Which days are worth an export job: those that no settled export covers.

CircleCI restates its last days, so an export taken too soon after a day does not settle it.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, timedelta

from circleci_cost.lake.manifests import LandedExport, exports_of_day


def due_days(days: Iterable[date], landed: Sequence[LandedExport], restatement_days: int) -> list[date]:
    """The days that have no complete export taken more than `restatement_days` days after them.

    `landed` is ordered by export time, as `landed_exports` gives it. Imported files never settle a day that the
    API may still serve: they may be some of the parts only.
    """
    return [day for day in days if not _settled(day, landed, timedelta(days=restatement_days))]


def _settled(day: date, landed: Sequence[LandedExport], restatement: timedelta) -> bool:
    complete = [export for export in exports_of_day(landed, day) if export.manifest.complete]
    return any(export.manifest.exported_at.astimezone(UTC).date() - day > restatement for export in complete)
