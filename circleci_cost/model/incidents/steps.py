"""Whether a day in alarm is a step beyond what a change that is running already has brought.

A change explains further alarms only as far as its own size. Grouping alarms is `episodes`' job.
"""

import numpy as np

from circleci_cost.model.forecast.panel import Flags, Floats, Integers
from circleci_cost.model.incidents.ledger import WEEK, Ledger

# A step lies beyond all like days of the last two weeks.
_FORTNIGHT = 14
# Beyond the running change by at least this share of it, and by this multiple of the limit of a single day's alarm.
LARGE, _CLEAR = 0.5, 1.3
_WORKING_DAYS = 5


def beyond_the_fortnight(ledger: Ledger, row: Integers, day: Integers, sign: Floats) -> Flags:
    """Return which days of which series lie beyond the like days of the two weeks before; a cheap first sieve.

    Like days are working days, or weekends, as the day itself is.
    """
    back = day[:, None] - np.arange(1, _FORTNIGHT + 1)
    like = (back >= 0) & (_is_weekend(ledger, back) == _is_weekend(ledger, day)[:, None])
    before = ledger.value[row[:, None], np.maximum(back, 0)] * sign[:, None]
    highest = np.where(like & ~np.isnan(before), before, -np.inf).max(axis=1)
    return np.asarray(ledger.value[row, day] * sign > highest)


def is_step(ledger: Ledger, series: str, sign: float, begin: int, day: int) -> bool:
    """Return whether a day steps beyond the change of a series that began on `begin`, as known on that day.

    The change would have gone on as in its last week: by as much a day, or by the same factor, whichever is more.
    """
    row = ledger.position[series]
    days = np.arange(max(begin, day - WEEK), day)
    like = days[(_is_weekend(ledger, days) == _is_weekend(ledger, np.array(day))) & ~np.isnan(ledger.value[row, days])]
    if not len(like):
        return False
    value, usual = ledger.course(series, begin, day)
    own, normal = value[like - begin], usual[like - begin]
    change = float((own - normal).mean())
    factor = float(own.sum() / normal.sum()) if normal.sum() > 0 else 1.0
    explained = sign * max(sign * (usual[-1] + change), sign * usual[-1] * factor)
    beyond = sign * (value[-1] - explained)
    if beyond <= 0 or beyond < LARGE * abs(change):
        return False
    limit = ledger.band[row, day]
    root = sign * (np.sqrt(value[-1] / explained) - 1.0) if explained > 0 else np.inf
    return bool(root >= _CLEAR * limit)


def _is_weekend(ledger: Ledger, days: Integers) -> Flags:
    return np.asarray((days + ledger.first.weekday()) % WEEK >= _WORKING_DAYS)
