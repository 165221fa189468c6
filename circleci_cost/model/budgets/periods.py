"""The periods of budgets, each described once: weeks from Monday to Sunday, or whole months, of UTC days.

What was spent in a period, and what may be, is `status`' to say.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from circleci_cost.days import months_later

# The names as the configuration and budget files take them. A new one is added here and to `PERIODS`; all else follows.
Period = Literal["week", "month", "quarter", "half-year", "year"]

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class PeriodKind:
    """How a kind of period is cut and shown.

    `months` is how many it has, a divisor of twelve: the first one begins in January. None stands for a week. `label`
    names the period that begins on a day.
    """

    months: int | None
    label: Callable[[date], str]

    @property
    def polars_duration(self) -> str:
        """What Polars truncates a day by to get the first one of its period."""
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
    """One period: both days are included; the label is as its kind's, such as `2026-W47`, `2026-11` or `2026-Q4`."""

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
    """The periods that have a day from `first` to `last`, in order; whole periods, even where they reach beyond."""
    found = []
    period = period_of(kind, first)
    while period.first <= last:
        found.append(period)
        period = next_period(period)
    return found
