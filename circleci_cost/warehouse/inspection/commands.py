"""The commands that make things again, for all findings together: as few as there can be, in their order."""

from collections.abc import Collection, Iterable
from datetime import date
from shlex import quote

from circleci_cost.warehouse.inspection.findings import Remedy, Step


def commands(remedies: Iterable[Remedy], history_start: date, cost_centers: Collection[str]) -> list[str]:
    """The commands for these remedies. Days before `history_start` and other cost centers are left out."""
    wanted = [remedy for remedy in remedies if not remedy.cost_center or remedy.cost_center in cost_centers]
    lines = []
    for step, words in ((Step.REFETCH, "backfill"), (Step.REREAD, "backfill"), (Step.REPRICE, "reprice")):
        of_step = [remedy for remedy in wanted if remedy.step is step]
        if any(not remedy.cost_center for remedy in of_step):
            lines.append(f"circleci-cost {words}")
            continue
        days = {day for remedy in of_step for day in remedy.days if day >= history_start}
        if days:
            named = "".join(f" --cost-center {quote(name)}" for name in _names(of_step))
            again = " --refetch" if step is Step.REFETCH else ""
            lines.append(f"circleci-cost {words} --from {min(days)} --to {max(days)}{named}{again}")
    if not lines and any(remedy.step is Step.DERIVE for remedy in wanted):
        lines.append("circleci-cost allocation apply")
    return lines


def _names(remedies: Iterable[Remedy]) -> list[str]:
    return sorted({remedy.cost_center for remedy in remedies if remedy.days})
