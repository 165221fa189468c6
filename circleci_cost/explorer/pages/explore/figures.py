"""The reports that the start page shows, and what they are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from circleci_cost.explorer.asking import ask
from circleci_cost.explorer.pages.explore.state import State
from circleci_cost.explorer.periods import compared
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.comparison import Compared, Withheld
from circleci_cost.model.reporting.report import Amount, Granularity, Report

# The keys of a chart; the others are one series.
CHART_KEYS = 9
# The rows that the table can be sorted by; the others are one row.
MOST_ROWS = 1000

Values = tuple[str, ...]


@dataclass(frozen=True)
class Before:
    """What the days before came to, and the days that are compared with them: over equal numbers of days."""

    compared: Compared
    total: Amount
    groups: Mapping[Values, Amount]
    now_total: Amount
    now_groups: Mapping[Values, Amount]
    by_day: Report | None


@dataclass(frozen=True)
class Figures:
    """The answers to one state. `before` is None where nothing is compared; `withheld` then says why, if it was asked."""

    state: State
    groups: Report
    series: Report
    before: Before | None
    withheld: str | None

    @property
    def total(self) -> Decimal | None:
        """The figure of all days; None where it has no value."""
        return self.state.metric.of(self.groups.total)

    @property
    def change(self) -> tuple[Decimal, Decimal] | None:
        """The figure of the compared days now and before; None where nothing is compared or has a value."""
        if self.before is None:
            return None
        now, before = (self.state.metric.of(amount) for amount in (self.before.now_total, self.before.total))
        return None if now is None or before is None else (now, before)


def read_figures(state: State, snapshot: Snapshot) -> Figures:
    """Ask for all figures of the page."""
    groups = ask(snapshot, state.question(limit=MOST_ROWS))
    series = ask(snapshot, state.question(granularity=state.granularity, limit=CHART_KEYS))
    comparison = compared(state.compare, state.days, state.question(), snapshot)
    if isinstance(comparison, Compared):
        return Figures(state, groups, series, _before(state, snapshot, comparison, groups), None)
    return Figures(state, groups, series, None, comparison.reason if isinstance(comparison, Withheld) else None)


def _before(state: State, snapshot: Snapshot, comparison: Compared, groups: Report) -> Before:
    before = ask(snapshot, state.question(comparison.before))
    now = groups if comparison.current == state.days else ask(snapshot, state.question(comparison.current))
    by_day = None
    if state.granularity is Granularity.DAY:
        by_day = ask(snapshot, state.question(comparison.before, by=(), granularity=Granularity.DAY))
    return Before(comparison, before.total, _by_values(before), now.total, _by_values(now), by_day)


def _by_values(report: Report) -> dict[Values, Amount]:
    return {row.values: row.amount for row in report.rows if not row.rest}
