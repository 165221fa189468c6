"""Billing cycles: from the billing day of one month to the day before it in the next.

Calendar months of budgets are in `model.budgets.periods`.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, timedelta

from circleci_cost.day_ranges import DayRange
from circleci_cost.days import months_later

_ONE_DAY = timedelta(days=1)


def cycle_of_month(year: int, month: int, billing_day: int) -> DayRange:
    """The cycle that begins in a month; where the month is too short for the billing day, on its last day."""
    first = _begins(date(year, month, 1), billing_day)
    return DayRange(first, _begins(months_later(date(year, month, 1), 1), billing_day) - _ONE_DAY)


def billing_cycle(day: date, billing_day: int) -> DayRange:
    """The cycle that a day lies in."""
    cycle = cycle_of_month(day.year, day.month, billing_day)
    if day >= cycle.first:
        return cycle
    before = months_later(date(day.year, day.month, 1), -1)
    return cycle_of_month(before.year, before.month, billing_day)


def cycles_between(first: date, last: date, billing_day: int) -> Iterator[DayRange]:
    """The cycles that overlap the days from `first` to `last`, in order, each as a whole."""
    cycle = billing_cycle(first, billing_day)
    while cycle.first <= last:
        yield cycle
        cycle = billing_cycle(cycle.last + _ONE_DAY, billing_day)


def _begins(month: date, billing_day: int) -> date:
    return month.replace(day=min(billing_day, monthrange(month.year, month.month)[1]))
