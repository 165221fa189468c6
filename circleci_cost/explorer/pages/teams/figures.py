"""What the values of a tag cost in the days asked for and in those before, to the last digit."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.asking import ask
from circleci_cost.explorer.pages.teams.asked import Asked
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.comparison import PREVIOUS, Change, Compared
from circleci_cost.model.reporting.report import Amount, Question, Report, add_exactly, add_up
from circleci_cost.warehouse.allocation.coverage import Coverage
from circleci_cost.warehouse.allocation.value_costs import ValueCost, value_costs
from circleci_cost.warehouse.reporting.compared import compared

# Only the total and the days of the report are read; the values come with their parts.
_ROWS = 1


@dataclass(frozen=True)
class Before:
    """The days that are compared, as many of each, and the cost of each value on them."""

    compared: Compared
    now: Mapping[str, Decimal | None]
    before: Mapping[str, Decimal | None]

    def of(self, value: str) -> Change | None:
        """The change of a value, which cost nothing where it is not named; None where it has no price."""
        now, before = (costs.get(value, Decimal(0)) for costs in (self.now, self.before))
        return None if now is None or before is None else Change(now, before)


@dataclass(frozen=True)
class Figures:
    """The values, the largest first; `before` is None where the days cannot be compared, and `withheld` says why."""

    asked: Asked
    report: Report
    values: list[ValueCost]
    before: Before | None
    withheld: str

    @property
    def total(self) -> Amount:
        """The report's total."""
        return self.report.total

    @property
    def direct(self) -> Amount:
        """What rules gave to values."""
        return add_up((each.direct for each in self.values), counted=True)

    @property
    def shared(self) -> Amount:
        """What splits gave to values."""
        return add_up((each.shared for each in self.values), counted=True)

    @property
    def coverage(self) -> Coverage:
        """How much of these days has a value."""
        given = [each.amount for each in self.values if each.value not in self.asked.without_value]
        return Coverage(
            None,
            self.total.cost or Decimal(0),
            add_exactly(amount.cost or Decimal(0) for amount in given),
            self.total.credits,
            add_exactly(amount.credits for amount in given),
        )


def read_figures(asked: Asked, snapshot: Snapshot) -> Figures:
    """Ask for all figures of the page."""
    tag, days = asked.tag.name, asked.days
    question = Question(days.first, days.last, (tag,), limit=_ROWS)
    report = ask(snapshot, question)
    values = value_costs(snapshot.connection, tag, days)
    comparison = compared(snapshot.connection, snapshot.generation, question, PREVIOUS, snapshot.cost_centers)
    if not isinstance(comparison, Compared):
        return Figures(asked, report, values, None, comparison.reason if comparison else "")

    def costs(part: DayRange) -> dict[str, Decimal | None]:
        own = values if part == days else value_costs(snapshot.connection, tag, part)
        return {each.value: each.amount.cost for each in own}

    before = Before(comparison, costs(comparison.current), costs(comparison.before))
    return Figures(asked, report, values, before, "")
