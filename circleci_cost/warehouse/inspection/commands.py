"""The commands that make things again, for all findings together: as few as there can be, in their order."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from shlex import quote

from circleci_cost.warehouse.inspection.findings import Remedy, Step

_BACKFILLS = (Step.REFETCH, Step.REREAD)


def commands(
    remedies: Iterable[Remedy], history_start: date, cost_centers: Collection[str], *, unpublished: bool = False
) -> list[str]:
    """The commands for these remedies. Days before `history_start` and other cost centers are left out.

    `unpublished`: nothing will be published when they are run, so that a backfill prices all days of its cost centers.
    """
    wanted = [
        Remedy(remedy.step, remedy.cost_center, frozenset(day for day in remedy.days if day >= history_start))
        for remedy in remedies
        if not remedy.cost_center or remedy.cost_center in cost_centers
    ]
    lines = []
    fetching = any(remedy.step in _BACKFILLS and remedy.days for remedy in wanted)
    for step, words in ((Step.REFETCH, "backfill"), (Step.REREAD, "backfill"), (Step.REPRICE, "reprice")):
        of_step = [remedy for remedy in wanted if remedy.step is step]
        if step is Step.REPRICE and unpublished and fetching:
            continue
        if any(not remedy.cost_center for remedy in of_step):
            lines.append(f"circleci-cost {words}")
            continue
        days = {day for remedy in of_step for day in remedy.days}
        if days:
            centers = [remedy for remedy in wanted if unpublished and fetching and remedy.cost_center] or of_step
            again = " --refetch" if step is Step.REFETCH else ""
            lines.append(f"circleci-cost {words} --from {min(days)} --to {max(days)}{_named(centers)}{again}")
    if not lines and any(remedy.step is Step.DERIVE for remedy in wanted):
        lines.append("circleci-cost allocation apply")
    return lines


def _named(remedies: Sequence[Remedy]) -> str:
    names = sorted({remedy.cost_center for remedy in remedies if remedy.days})
    return "".join(f" --cost-center {quote(name)}" for name in names)
