"""What is usual on each day by the four weeks before it, and the days on which nearly all series rest together.

Arrays in, arrays out, of all days of a panel at once; estimates at one cut belong in `profiles`.
"""

import numpy as np

from circleci_cost.model.forecast.panel import Flags, Floats

_DAYS = 28
# Rest: nine tenths of at least five series run at less than a third, on a day that has at least half a mean day's cost.
_RESTING_SHARE, _SERIES, _RESTING, _WORKING = 0.9, 5, 1.0 / 3.0, 0.5
# What lasts for more working days is no holiday.
_LONGEST_REST = 9


def usual_costs(ordinary: Floats) -> Floats:
    """Return the lower middle of the same weekday in the four weeks before, so that two peaks a month are not usual."""
    one, two, three, four = (_delayed(ordinary, 7 * week) for week in range(1, 5))
    low, high = np.fmax(np.fmin(one, two), np.fmin(three, four)), np.fmin(np.fmax(one, two), np.fmax(three, four))
    return np.fmin(low, high)


def mean_before(values: Floats) -> Floats:
    """Return the mean of the known days among the four weeks before each day, 0 where there is none."""
    known = ~np.isnan(values)
    sums = []
    for part in (np.where(known, values, 0.0), known):
        total = np.cumsum(part, axis=1, dtype=np.float64)
        before = np.zeros_like(total)
        before[:, 1:] = total[:, :-1]
        before[:, _DAYS + 1 :] -= total[:, : max(total.shape[1] - _DAYS - 1, 0)]
        sums.append(before)
    return np.asarray(np.maximum(sums[0], 0.0) / np.maximum(sums[1], 1.0))


def common_rest(cost: Floats, usual: Floats, level: Floats) -> Flags:
    """Return the days [day] on which nearly all series rest, as on holidays that no calendar names; nine in a row."""
    judged = (usual > _WORKING * level) & ~np.isnan(cost)
    count = judged.sum(axis=0)
    resting = (judged & (cost < _RESTING * usual)).sum(axis=0)
    together = (count >= _SERIES) & (resting >= _RESTING_SHARE * count)
    rest, lasted = np.zeros(cost.shape[1], dtype=np.bool_), 0
    for day in np.flatnonzero(count >= _SERIES):
        lasted = lasted + 1 if together[day] else 0
        rest[day] = 0 < lasted <= _LONGEST_REST
    return rest


def _delayed(values: Floats, days: int) -> Floats:
    delayed = np.full_like(values, np.nan)
    delayed[:, days:] = values[:, :-days]
    return delayed
