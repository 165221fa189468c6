"""Fetches the exports that some days still need, in the windows that the API allows.

Calling the API is `circleci`'s job, reading what landed `lake.ingest`'s.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from circleci_cost.circleci import UsageExports, plan_windows
from circleci_cost.clock import Clock
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import LandedExport, landed_exports
from circleci_cost.lake.settling import unsettled_days


@dataclass(frozen=True)
class Fetched:
    """The result of a fetch for some days of one cost center."""

    landed: tuple[LandedExport, ...]
    already_there: tuple[date, ...]
    out_of_reach: tuple[date, ...]
    not_yet: tuple[date, ...]

    @property
    def parts(self) -> int:
        """How many parts landed."""
        return sum(len(export.manifest.parts) for export in self.landed)

    @property
    def bytes(self) -> int:
        """How many compressed bytes landed."""
        return sum(part.bytes for export in self.landed for part in export.manifest.parts)


def fetch_days(
    exports: UsageExports,
    lake: Lake,
    cost_center: str,
    days: Sequence[date],
    clock: Clock,
    *,
    restatement_days: int,
    organizations: Collection[str] = (),
    refetch: bool = False,
) -> Fetched:
    """Land an export for every day that needs one, in windows of at most 31 days, the oldest first.

    A day that a settled export of all `organizations` covers is not fetched again unless `refetch`; days beyond the
    API's reach cannot be. Each window lands by itself, so what has landed survives a failure of the next one. Raises
    the errors of `errors`.
    """
    due = _due(lake, cost_center, days, restatement_days, organizations, refetch=refetch)
    plan = plan_windows(due, clock.now())
    landed = [exports.fetch(window) for window in plan.windows]
    return Fetched(
        landed=tuple(landed),
        already_there=tuple(sorted(set(days) - set(due))),
        out_of_reach=tuple(plan.out_of_reach),
        not_yet=tuple(plan.not_yet),
    )


def prepare_days(
    exports: UsageExports,
    lake: Lake,
    cost_center: str,
    days: Sequence[date],
    clock: Clock,
    *,
    restatement_days: int,
    organizations: Collection[str] = (),
    refetch: bool = False,
) -> None:
    """Let CircleCI prepare the exports that `fetch_days` will need for the same days; raises as it does."""
    due = _due(lake, cost_center, days, restatement_days, organizations, refetch=refetch)
    for window in plan_windows(due, clock.now()).windows:
        exports.prepare(window)


def _due(
    lake: Lake,
    cost_center: str,
    days: Sequence[date],
    restatement_days: int,
    organizations: Collection[str],
    *,
    refetch: bool,
) -> list[date]:
    if refetch:
        return list(days)
    landed = landed_exports(lake, cost_center)
    return unsettled_days(days, landed, restatement_days, trust_imports=False, organizations=organizations)
