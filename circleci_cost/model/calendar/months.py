"""A day's analogues in the former months: the days on which a monthly batch of this day would have run before.

Only the calendar is known here; what a series did on these days is asked by the anomalies and the forecasts.
"""

from datetime import date

import numpy as np
import numpy.typing as npt

Dates = npt.NDArray[np.datetime64]

SCHEMES = ("day", "day_from_end", "weekday", "weekday_from_end")
"""How a day is found again in another month: the 4th; the last but one; the first Monday; the last Friday."""
FORMER_MONTHS = 2


def analogues(first: date, days: int, months: int = FORMER_MONTHS) -> npt.NDArray[np.int64]:
    """Return the positions of each day's analogues, counted from `first`: [`SCHEMES`, months, days].

    The months stand from the nearest to the farthest. −1 stands for an analogue before `first`, and for none: a
    short month has no 31st, and most months have no fifth Monday.
    """
    dates = np.datetime64(first, "D") + np.arange(days)
    month = dates.astype("datetime64[M]")
    found = np.stack([_in_month(dates, month, month - back) for back in range(1, months + 1)], axis=1)
    positions = (found - np.datetime64(first, "D")).astype(np.int64)
    return np.where(np.isnat(found) | (positions < 0), -1, positions)


def _in_month(dates: Dates, months: Dates, others: Dates) -> Dates:
    """The days [`SCHEMES`, days] of other months that the dates correspond to; not-a-time where there is none."""
    first, last = _ends(months)
    other_first, other_last = _ends(others)
    from_first, from_last = dates - first, last - dates
    week = np.timedelta64(7, "D")
    found = np.stack(
        [
            other_first + from_first,
            other_last - from_last,
            other_first + (_weekday(dates) - _weekday(other_first)) % week + from_first // week * week,
            other_last - (_weekday(other_last) - _weekday(dates)) % week - from_last // week * week,
        ]
    )
    return np.where((found >= other_first) & (found <= other_last), found, np.datetime64("NaT"))


def _ends(months: Dates) -> tuple[Dates, Dates]:
    """The first and the last day of months."""
    next_first: Dates = (months + np.timedelta64(1, "M")).astype("datetime64[D]")
    return months.astype("datetime64[D]"), np.subtract(next_first, np.timedelta64(1, "D"))


def _weekday(dates: Dates) -> npt.NDArray[np.timedelta64]:
    """Days since a Monday; the epoch, 1 January 1970, was a Thursday."""
    return (dates - np.datetime64("1970-01-05", "D")) % np.timedelta64(7, "D")
