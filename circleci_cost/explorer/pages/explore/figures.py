"""The reports that the start page shows, and what they are compared with."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.day_ranges import DayRange
from circleci_cost.days import days_between
from circleci_cost.explorer.asking import ask
from circleci_cost.explorer.pages.explore.state import State
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.history.reports import have_run_costs
from circleci_cost.model.reporting.comparison import Compared, Withheld, with_costs
from circleci_cost.model.reporting.report import Amount, Granularity, Report, add_up
from circleci_cost.text.amounts import WIDE, exact_number
from circleci_cost.warehouse.reporting.compared import comparable, incomplete_days
from circleci_cost.warehouse.reporting.rollup import Rollup, roll_up

# The keys of a chart; the others are one series.
CHART_KEYS = 9
# The rows that the table can be sorted by; the others are one row.
MOST_ROWS = 1000
# Of the days before, more are looked at: a large group may have been a small one.
MOST_BEFORE = 10_000

Values = tuple[str, ...]


@dataclass(frozen=True)
class Groups:
    """The amounts of groups; with too many to hold them all, `is_complete` is False."""

    amounts: Mapping[Values, Amount]
    is_complete: bool

    def get(self, values: Values, nothing: Amount) -> Amount | None:
        """The amount of a group: `nothing` for one without usage, None for one that is not held."""
        return self.amounts.get(values, nothing if self.is_complete else None)


@dataclass(frozen=True)
class Before:
    """The days that are compared, equally many, and what they came to: now and before."""

    compared: Compared
    now_total: Amount
    total: Amount
    now_groups: Groups
    groups: Groups
    by_day: Report | None


@dataclass(frozen=True)
class Figures:
    """The answers to one state. `before` is None where nothing is compared; `withheld` says why, if it was asked.

    `complete` are those of the days that are complete for every cost center, `average` the figure of one of them.
    """

    state: State
    groups: Report
    series: Report
    complete: frozenset[date]
    average: Decimal | None
    before: Before | None
    withheld: str | None
    rollup: Rollup

    @property
    def total(self) -> Decimal | None:
        """The figure of all days; None where it has no value."""
        return self.state.metric.of(self.groups.total)

    @property
    def unknown(self) -> str | None:
        """Why a ratio is not known, if it is one and has no value."""
        amount = self.groups.total
        if self.state.metric.is_sum or self.total is not None:
            return None
        if amount.unpriced_credits:
            return f"{exact_number(amount.unpriced_credits)} credits have no price"
        return "there are no runs to divide by"

    @property
    def is_cut(self) -> bool:
        """Whether fewer days are compared than shown, since the last ones are not complete."""
        return self.before is not None and self.before.compared.current != self.state.days

    @property
    def change(self) -> tuple[Decimal, Decimal] | None:
        """The figure of the compared days now and before; None where nothing is compared or has a value."""
        if self.before is None:
            return None
        now, before = (self.state.metric.of(amount) for amount in (self.before.now_total, self.before.total))
        return None if now is None or before is None else (now, before)


def read_figures(state: State, snapshot: Snapshot) -> Figures:
    """Ask for all figures of the page. Raises `UsageError` for days that cannot be compared with."""
    days = comparable(snapshot.connection, snapshot.generation, state.question(), state.compare, snapshot.cost_centers)
    parts = [state.days, *([days.before] if isinstance(days, Compared) else [])]
    have_run_costs(snapshot.connection, state.question(), parts, snapshot.settings)
    rollup = roll_up(snapshot.connection, state.question(), parts, snapshot.cost_centers)
    groups = ask(snapshot, state.question(limit=MOST_ROWS), rollup)
    series = ask(snapshot, state.question(granularity=state.granularity, limit=CHART_KEYS), rollup)
    complete = _complete(state, snapshot)
    average = _average(state, snapshot, groups, complete, rollup)
    before = _before(state, snapshot, groups, days, rollup) if isinstance(days, Compared) else days
    if isinstance(before, Withheld):
        return Figures(state, groups, series, complete, average, None, before.reason, rollup)
    return Figures(state, groups, series, complete, average, before, None, rollup)


def _complete(state: State, snapshot: Snapshot) -> frozenset[date]:
    """The days that are complete for every cost center of the state."""
    through = snapshot.generation.manifest.data_through
    if through is None or through < state.days.first:
        return frozenset()
    reached = DayRange(state.days.first, min(state.days.last, through))
    incomplete = incomplete_days(snapshot.connection, state.filters, reached, snapshot.cost_centers)
    return frozenset(days_between(reached.first, reached.last)) - incomplete


def _average(
    state: State, snapshot: Snapshot, groups: Report, complete: frozenset[date], rollup: Rollup
) -> Decimal | None:
    """The figure of a complete day: days of which data are lacking would make it smaller than it is."""
    if not (state.metric.is_sum and complete):
        return None
    total = groups.total
    if len(complete) < state.days.days:
        rows = ask(snapshot, state.question(by=(), granularity=Granularity.DAY), rollup).rows
        counted = not state.question().splits_charge_types
        total = add_up((row.amount for row in rows if row.period in complete), counted=counted)
    value = state.metric.of(total)
    return None if value is None else WIDE.divide(value, Decimal(len(complete)))


def _before(state: State, snapshot: Snapshot, groups: Report, compared: Compared, rollup: Rollup) -> Before | Withheld:
    before = ask(snapshot, state.question(compared.before, limit=MOST_BEFORE), rollup)
    now = groups
    if compared.current != state.days:
        now = ask(snapshot, state.question(compared.current, limit=MOST_BEFORE), rollup)
    if state.metric.is_in_dollars:
        withheld = with_costs(compared, now.total, before.total)
        if isinstance(withheld, Withheld):
            return withheld
    by_day = None
    if state.granularity is Granularity.DAY:
        by_day = ask(snapshot, state.question(compared.before, by=(), granularity=Granularity.DAY), rollup)
    return Before(compared, now.total, before.total, _groups(now), _groups(before), by_day)


def _groups(report: Report) -> Groups:
    amounts = {row.values: row.amount for row in report.rows if not row.rest}
    return Groups(amounts, is_complete=len(amounts) == report.groups)
