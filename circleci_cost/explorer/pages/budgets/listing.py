"""All budgets in one table, children below their parent, with what is amiss about them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from circleci_cost.config.budget_definitions import UsableBudgets, usable_budgets
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.pages.budgets.lines import Line, line
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.budgets.text import tree
from circleci_cost.warehouse.budgets.budget_status import Periods
from circleci_cost.warehouse.budgets.published_budgets import (
    not_published,
    published_names,
    published_states,
    unmatched_values,
)

_CHOICES = {Periods.CURRENT: "Current period", Periods.LAST: "Last period", Periods.ALL: "All periods"}


@dataclass(frozen=True)
class Listing:
    """The table and what stands around it; `choices` are the periods: value, text, whether it is the chosen one."""

    lines: Sequence[Line]
    counts: Sequence[tuple[str, str, int]]
    choices: Sequence[tuple[str, str, bool]]
    notes: Sequence[str]
    is_configured: bool
    source: str
    csv: str


def listing(address: Address, snapshot: Snapshot, periods: Periods) -> Listing:
    """The budgets that are published, in these periods of theirs."""
    usable = usable_budgets(snapshot.settings)
    lines = [
        line(row, depth) for depth, row in tree(published_states(snapshot.connection, snapshot.generation, periods))
    ]
    counts = Counter((each.status, each.badge) for each in lines)
    return Listing(
        lines=lines,
        counts=[(status, badge, number) for (status, badge), number in counts.most_common()],
        choices=[(period.value, text, period is periods) for period, text in _CHOICES.items()],
        notes=list(_notes(snapshot, usable)),
        is_configured=bool(usable.budgets),
        source=snapshot.settings.described_source,
        csv=str(address.only("period").at("/budgets.csv")),
    )


def _notes(snapshot: Snapshot, usable: UsableBudgets) -> Iterator[str]:
    known = published_names(snapshot.connection, snapshot.generation)
    absent = [budget.name for budget in usable.budgets if budget.name not in known]
    if sentence := not_published(absent, snapshot.generation):
        yield sentence
    yield from unmatched_values(snapshot.connection, snapshot.generation, usable.budgets)
    yield from map(str, usable.problems)
