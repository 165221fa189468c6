"""The periods of budgets, each described once: weeks from Monday to Sunday, or whole months, of UTC days.

Amounts and spending in a period belong in `amounts` and `status`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from circleci_cost.days import months_later

# The names in the configuration and in budget files. A new one is added here and to `PERIODS`; nothing else changes.
Period = Literal["week", "month", "quarter", "half-year", "year"]

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class PeriodKind:
    """The length of a kind of period, and its label.

    `months` is the number of months, a divisor of twelve: the first period of a year begins in January. None stands for
    a week. `label` names the period that begins on a day.
    """

    months: int | None
    label: Callable[[date], str]

    @property
    def polars_duration(self) -> str:
        """The duration by which Polars truncates a day to the first day of its period."""
        return "1w" if self.months is None else f"{self.months}mo"

    def first_day(self, day: date) -> date:
        """The first day of the period that a day lies in."""
        if self.months is None:
            return day - timedelta(days=day.weekday())
        return date(day.year, (day.month - 1) // self.months * self.months + 1, 1)

    def last_day(self, first: date) -> date:
        """The last day of the period that begins on a day."""
        if self.months is None:
            return first + timedelta(days=6)
        return months_later(first, self.months) - _ONE_DAY


PERIODS: Mapping[Period, PeriodKind] = {
    # ISO 8601: a week belongs to the year of its Thursday.
    "week": PeriodKind(None, lambda first: f"{first:%G-W%V}"),
    "month": PeriodKind(1, lambda first: f"{first:%Y-%m}"),
    "quarter": PeriodKind(3, lambda first: f"{first.year}-Q{(first.month + 2) // 3}"),
    "half-year": PeriodKind(6, lambda first: f"{first.year}-H{(first.month + 5) // 6}"),
    "year": PeriodKind(12, lambda first: f"{first.year}"),
}
LONGEST_FIRST: tuple[Period, ...] = tuple(sorted(PERIODS, key=lambda kind: PERIODS[kind].months or 0, reverse=True))


@dataclass(frozen=True, order=True)
class BudgetPeriod:
    """One period, both days included, with the label of its kind, such as `2026-W47`, `2026-11` or `2026-Q4`."""

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
    described = PERIODS[kind]
    first = described.first_day(day)
    return BudgetPeriod(first, described.last_day(first), kind, described.label(first))


def next_period(period: BudgetPeriod) -> BudgetPeriod:
    """The period of the same kind that follows."""
    return period_of(period.kind, period.last + _ONE_DAY)


def periods_between(kind: Period, first: date, last: date) -> list[BudgetPeriod]:
    """The periods that overlap the days from `first` to `last`, in order, each as a whole."""
    periods = []
    period = period_of(kind, first)
    while period.first <= last:
        periods.append(period)
        period = next_period(period)
    return periods
