"""Days without a price: which there are, and how every message names them.

What a price period is, is in `price_periods`; usage on such days stays unpriced, never $0.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from circleci_cost.day_ranges import DayRange, say_ranges
from circleci_cost.model.pricing.price_periods import PricePeriod

_ONE_DAY = timedelta(days=1)


def gaps(periods: Sequence[PricePeriod], first: date, last: date) -> list[DayRange]:
    """The days from `first` to `last` that no period of these prices, in order."""
    free = []
    day = first
    for period in sorted(periods, key=lambda period: period.effective_from):
        if period.effective_from > last:
            break
        if period.effective_from > day:
            free.append(DayRange(day, period.effective_from - _ONE_DAY))
        if period.effective_until is None or period.effective_until >= last:
            return free
        day = max(day, period.effective_until + _ONE_DAY)
    if day <= last:
        free.append(DayRange(day, last))
    return free


def say_gaps(gaps: Sequence[DayRange]) -> str:
    """Name the days without a price in a sentence."""
    return say_ranges(gaps)
