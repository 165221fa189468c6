"""Days of the month on which a series does the same every month: batches, invoices, closings.

Two series that both have them would look related. What else unrelated series share is `cleaning`'s subject.
"""

from datetime import date, timedelta

import numpy as np

from circleci_cost.model.correlation.series import Days
from circleci_cost.model.correlation.statistics import Flags, Floats, Integers, medians, robust_scale

# In standard errors of a median. Some 180 places in the month are tried for each series, of which this marks one in
# three series by chance: it loses a dozen of its days. Batches that are smaller do not make a correlation.
_BEYOND_CHANCE = 3.2
# The standard error of a median of normal values, times the root of their number.
_MEDIAN_ERROR = 1.25
_FEWEST_MONTHS = 3


def monthly_days(changes: Floats, days: Days, off: Flags) -> Flags:
    """Return the days [series × days] on whose place in the month the series usually changes more than by chance.

    In: unexplained changes, NaN where not known, and the days off, which are no working days. A place is one of: the
    day of the month, the days to its end, the n-th weekday from the month's begin or end, and the n-th working day.
    """
    scale = robust_scale(changes)[:, None]
    relative = np.divide(changes, scale, out=np.full_like(changes, np.nan), where=scale > 0)
    monthly = np.zeros(changes.shape, dtype=np.bool_)
    for places in _places(days, off):
        for place in np.unique(places[places >= 0]):
            there = places == place
            values = relative[:, there]
            months = (~np.isnan(values)).sum(axis=1)
            size = np.abs(medians(values, otherwise=0.0)) * np.sqrt(months) / _MEDIAN_ERROR
            monthly[np.ix_((months >= _FEWEST_MONTHS) & (size > _BEYOND_CHANCE), there)] = True
    return monthly


def _places(days: Days, off: Flags) -> list[Integers]:
    """Number each day's place in its month in each way of counting; −1 is no place."""
    axis = [days.first + timedelta(days=at) for at in range(days.number)]
    month = np.array([day.year * 12 + day.month for day in axis])
    number = np.array([day.day for day in axis])
    to_end = np.array([_last(day).day - day.day for day in axis])
    weekday = np.array([day.weekday() for day in axis])
    working = (weekday < 5) & ~off
    return [
        number,
        to_end,
        (number - 1) // 7 * 7 + weekday,
        to_end // 7 * 7 + weekday,
        _counted(month, working),
        _counted(month[::-1], working[::-1])[::-1],
    ]


def _last(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _counted(month: Integers, working: Flags) -> Integers:
    """The number of working days since the month's first one; the first month of the axis may have begun before it."""
    until = np.cumsum(working)
    begins = np.flatnonzero(np.diff(month, prepend=month[0]) != 0)
    before = np.zeros(len(month), dtype=np.int64)
    before[begins] = until[begins] - working[begins]
    since = until - 1 - np.maximum.accumulate(before)
    return np.where(working & (month != month[0]), since, -1)
