"""The reports that the start page shows, and what they are compared with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.days import days_between
from circleci_cost.explorer.asking import ask
from circleci_cost.explorer.pages.explore.state import State
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.comparison import Compared, Withheld, compare, with_costs
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
    """The answers to one state. `before` is None where nothing is compared; `withheld` says why, if it was asked."""

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
    """Ask for all figures of the page. Raises `UsageError` for days that cannot be compared with."""
    groups = ask(snapshot, state.question(limit=MOST_ROWS))
    series = ask(snapshot, state.question(granularity=state.granularity, limit=CHART_KEYS))
    before = _before(state, snapshot, groups)
    if isinstance(before, Withheld):
        return Figures(state, groups, series, None, before.reason)
    return Figures(state, groups, series, before, None)


def _before(state: State, snapshot: Snapshot, groups: Report) -> Before | Withheld | None:
    manifest = snapshot.generation.manifest

    def days(missing: Collection[date] = ()) -> Compared | Withheld | None:
        since = manifest.data_from or date.min
        return compare(state.compare, state.days, manifest.data_through, missing, since=since)

    compared = days()
    if not isinstance(compared, Compared):
        return compared
    before = ask(snapshot, state.question(compared.before))
    now = groups if compared.current == state.days else ask(snapshot, state.question(compared.current))
    withheld = days([*missing_days(now), *missing_days(before)])
    if state.metric.is_in_dollars and isinstance(withheld, Compared):
        withheld = with_costs(compared, now.total, before.total)
    if isinstance(withheld, Withheld):
        return withheld
    by_day = None
    if state.granularity is Granularity.DAY:
        by_day = ask(snapshot, state.question(compared.before, by=(), granularity=Granularity.DAY))
    return Before(compared, before.total, _by_values(before), now.total, _by_values(now), by_day)


def missing_days(report: Report) -> list[date]:
    """The days that a cost center of the report lacks."""
    return [day for ranges in report.missing.values() for days in ranges for day in days_between(days.first, days.last)]


def _by_values(report: Report) -> dict[Values, Amount]:
    return {row.values: row.amount for row in report.rows if not row.rest}
