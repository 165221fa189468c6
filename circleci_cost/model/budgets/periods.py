"""The periods of budgets: weeks from Monday to Sunday, months, quarters and years, all of UTC days.

What was spent in a period, and what may be, is `status`' to say.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from circleci_cost.days import months_later
from circleci_cost.model.budgets.definition import Period

PERIODS_SCHEMA: dict[str, pl.DataType] = {
    "period_kind": pl.String(),
    "period": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
}
_ONE_DAY = timedelta(days=1)
_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, order=True)
class BudgetPeriod:
    """One period: both days are included; the label is `2026-W47` (ISO 8601), `2026-11`, `2026-Q4` or `2026`."""

    first: date
    last: date
    kind: Period
    label: str

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1


def period_of(kind: Period, day: date) -> BudgetPeriod:
    """The period of this kind that a day lies in."""
    if kind == "week":
        first = day - timedelta(days=day.weekday())
        # The week's own year: the one that its Thursday lies in.
        return BudgetPeriod(first, first + timedelta(days=6), kind, f"{day:%G-W%V}")
    months = _MONTHS[kind]
    first = date(day.year, (day.month - 1) // months * months + 1, 1)
    return BudgetPeriod(first, months_later(first, months) - _ONE_DAY, kind, _label(kind, first))


def next_period(period: BudgetPeriod) -> BudgetPeriod:
    """The period of the same kind that follows."""
    return period_of(period.kind, period.last + _ONE_DAY)


def periods_between(kind: Period, first: date, last: date) -> list[BudgetPeriod]:
    """The periods that have a day from `first` to `last`, in order; whole periods, even where they reach beyond."""
    found = []
    period = period_of(kind, first)
    while period.first <= last:
        found.append(period)
        period = next_period(period)
    return found


def _label(kind: Period, first: date) -> str:
    if kind == "quarter":
        return f"{first.year}-Q{(first.month + 2) // 3}"
    return f"{first:%Y-%m}" if kind == "month" else f"{first.year}"
