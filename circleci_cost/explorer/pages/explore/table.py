"""The table of groups: value, share, what it was before and its change, runs, cost per run; and the ways from each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.pages.explore import drill
from circleci_cost.explorer.pages.explore.figures import Figures, Values
from circleci_cost.explorer.pages.explore.state import Sort
from circleci_cost.model.reporting.metrics import Metric
from circleci_cost.model.reporting.report import Amount
from circleci_cost.model.usage.dimensions import CHARGE_TYPE
from circleci_cost.model.usage.display_names import charge_type_with_key
from circleci_cost.text.amounts import WIDE, signed_percent

_SHOWN = 100


@dataclass(frozen=True)
class Change:
    """A change: the figure before, the difference, whether there was usage before and now, and where its reasons are.

    What cost nothing before is not new if it was there, at a price of zero.
    """

    metric: Metric
    before: Decimal
    difference: Decimal
    is_new: bool
    is_gone: bool
    why: Address | None = None

    @classmethod
    def of(
        cls, metric: Metric, now: Amount | None, before: Amount | None, why: Address | None = None
    ) -> "Change | None":
        """The change between two amounts; None where one, or its figure, is unknown."""
        if now is None or before is None:
            return None
        value, then = metric.of(now), metric.of(before)
        if value is None or then is None:
            return None
        is_new, is_gone = not _has_usage(before), not _has_usage(now)
        return cls(metric, then, WIDE.subtract(value, then), is_new, is_gone, why)

    @property
    def text(self) -> str:
        """The change in words: `+$12.00 (+5 %)`."""
        if not self.difference:
            return "no change"
        change = self.metric.change_text(self.difference)
        if self.is_new or self.is_gone:
            return f"{change} ({'new' if self.is_new else 'gone'})"
        if not self.before:
            return change
        decimals = 0 if abs(self.difference) >= abs(self.before) / 10 else 1
        return f"{change} ({signed_percent(WIDE.divide(self.difference, self.before), decimals)})"

    @property
    def direction(self) -> str:
        """The class of its colour."""
        return "up" if self.difference > 0 else "down" if self.difference < 0 else ""


@dataclass(frozen=True)
class TableRow:
    """One line: its names, exact figures, the addresses one level down and of its runs, its colour in the chart."""

    names: Sequence[str]
    amount: Amount
    value: Decimal | None
    share: Decimal | None
    previous: Decimal | None
    change: Change | None
    cost_per_run: Decimal | None
    deeper: str | None = None
    run_list: str | None = None
    color: int | None = None
    is_rest: bool = False


@dataclass(frozen=True)
class Table:
    """The lines that are shown, the total under them, how many are not shown, and the number of all groups."""

    rows: Sequence[TableRow]
    total: TableRow
    hidden: int
    groups: int
    counts_runs: bool


def table_of(figures: Figures, colors: Mapping[Values, int]) -> Table:
    """Lay out the groups, with those that are gone since the days before."""
    state, before = figures.state, figures.before
    now = {row.values: row.amount for row in figures.groups.rows if not row.rest}
    rest = next((row.amount for row in figures.groups.rows if row.rest), None)
    gone = [values for values in before.groups.amounts if values not in now] if before and rest is None else []
    nothing = _nothing_like(figures.groups.total)
    rows = [_group(figures, values, now.get(values, nothing), colors.get(values)) for values in [*now, *gone]]
    rows = _sorted(rows, state.sort)
    shown = rows if state.shows_all_rows else rows[:_SHOWN]
    return Table(
        [*shown, *([] if rest is None else [_rest(figures, rest)])],
        _total(figures),
        len(rows) - len(shown),
        figures.groups.groups + len(gone),
        not state.question().splits_charge_types,
    )


def _group(figures: Figures, values: Values, amount: Amount, color: int | None) -> TableRow:
    state, before = figures.state, figures.before
    names = [
        charge_type_with_key(value) if name == CHARGE_TYPE else value
        for name, value in zip(state.by, values, strict=True)
    ]
    nothing = _nothing_like(figures.groups.total)
    compared: tuple[Amount | None, Amount | None] | None = None
    if before:
        compared = (before.now_groups.get(values, nothing), before.groups.get(values, nothing))
    line = _line(figures, names, amount, compared, values)
    deeper, run_list = str(drill.deeper(state, values)), str(drill.runs(state, values))
    return replace(line, color=color, deeper=deeper, run_list=run_list)


def _total(figures: Figures) -> TableRow:
    before = figures.before
    compared = (before.now_total, before.total) if before else None
    line = _line(figures, ["Total"], figures.groups.total, compared, ())
    return replace(line, run_list=str(drill.runs(figures.state, ())))


def _rest(figures: Figures, amount: Amount) -> TableRow:
    """The groups beyond those that can be sorted here, as one line."""
    named = [row.values for row in figures.groups.rows if not row.rest]
    others = figures.groups.groups - len(named)
    line = _line(figures, [f"({others:,} smaller ones)"], amount, None, ())
    return replace(line, deeper=drill.others(figures.state, named), is_rest=True)


def _line(
    figures: Figures,
    names: Sequence[str],
    amount: Amount,
    compared: tuple[Amount | None, Amount | None] | None,
    values: Values,
) -> TableRow:
    metric = figures.state.metric
    value, total = metric.of(amount), figures.total
    change = None
    if figures.before and compared:
        # The page of reasons explains costs, and no other figure.
        why = drill.why(figures.state, figures.before.compared, values) if metric is Metric.COST else None
        change = Change.of(metric, *compared, why)
    previous = compared[1] if compared else None
    return TableRow(
        names=names,
        amount=amount,
        value=value,
        share=WIDE.divide(value, total) if metric.is_sum and value is not None and total else None,
        previous=metric.of(previous) if previous else None,
        change=change,
        cost_per_run=Metric.COST_PER_RUN.of(amount),
    )


def _has_usage(amount: Amount) -> bool:
    return bool(amount.credits or amount.cost or amount.jobs)


def _nothing_like(total: Amount) -> Amount:
    """The amount of a group without usage; what cannot be counted in the total is unknown here, too."""
    zero = Decimal(0)
    counts = (None if count is None else 0 for count in (total.jobs, total.runs, total.run_seconds))
    return Amount(zero, zero, zero, *counts)


def _sorted(rows: Sequence[TableRow], sort: Sort) -> list[TableRow]:
    """The rows in an order; those without a value last, equal ones by name."""
    by_name = sorted(rows, key=lambda row: [name.casefold() for name in row.names])
    if sort is Sort.NAME:
        return by_name
    known = [row for row in by_name if _figure(row, sort) is not None]
    known.sort(key=lambda row: _figure(row, sort) or Decimal(0), reverse=True)
    return known + [row for row in by_name if _figure(row, sort) is None]


def _figure(row: TableRow, sort: Sort) -> Decimal | None:
    if sort is Sort.RUNS:
        return None if row.amount.runs is None else Decimal(row.amount.runs)
    return {
        Sort.VALUE: row.value,
        Sort.PREVIOUS: row.previous,
        Sort.CHANGE: row.change.difference if row.change else None,
        Sort.COST_PER_RUN: row.cost_per_run,
    }.get(sort)
