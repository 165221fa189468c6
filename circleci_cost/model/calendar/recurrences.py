"""All days that a day may repeat: its analogues in the months and quarters before, working days counted, too.

Analogues by date alone belong in `months`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from circleci_cost.model.calendar.definition import DEFAULT_CALENDAR, Calendar
from circleci_cost.model.calendar.months import FORMER_MONTHS, SCHEMES, analogues
from circleci_cost.model.calendar.special_days import special_days

Integers = npt.NDArray[np.int64]

KEPT = 3
"""How many former days of a recurrence are known at most."""

# A 31st is found again up to seven times a year; three quarters are nine months.
_MONTHS = 9
_QUARTER = 3
# Working days are counted from either end of the month up to this one; batches of the books run on the first or last.
_MOST_WORKING_DAYS = 3
_SPRINTS = (14, 28)
# What is ambiguous depends on the days until the end of the next month, which the calendar knows.
_AHEAD = 62


@dataclass(frozen=True)
class Recurrences:
    """By rule: the nearest former days of each day, `positions` [rules × `KEPT` × days], −1 where there is none.

    `unambiguous` [rules × days] marks days that no other day of the same former days can stand for.
    """

    positions: Integers
    unambiguous: npt.NDArray[np.bool_]


def recurrences(first: date, days: int, calendar: Calendar) -> Recurrences:
    """Return the recurrences of the `days` days from `first` on; they do not depend on how many days are asked for."""
    longer = days + _AHEAD
    by_month = _by_month(first, longer, calendar)
    by_quarter = by_month[:, _QUARTER - 1 :: _QUARTER]
    positions = np.concatenate([_nearest(by_month), _nearest(by_quarter), _weeks_apart(longer)])
    key = (positions[:, 0] * longer + positions[:, 1]) * longer + positions[:, 2]
    day = np.broadcast_to(np.arange(longer), key.shape)
    _, group = np.unique(key, return_inverse=True)
    group = group.reshape(key.shape)
    earliest, latest = np.full(group.max() + 1, longer), np.zeros(group.max() + 1, dtype=np.int64)
    np.minimum.at(earliest, group, day)
    np.maximum.at(latest, group, day)
    unambiguous = (earliest == latest)[group] & (positions >= 0).all(axis=1)
    unambiguous[len(SCHEMES) :] = False
    return Recurrences(positions[:, :, :days], unambiguous[:, :days])


def months_before(first: date, days: int, calendar: Calendar = DEFAULT_CALENDAR) -> Integers:
    """Return the positions of each day's two nearest analogues in former months: [2 × rules, days], −1: none."""
    return np.concatenate(_nearest(_by_month(first, days, calendar))[:, :FORMER_MONTHS].swapaxes(0, 1))


def _by_month(first: date, days: int, calendar: Calendar) -> Integers:
    by_date = analogues(first, days, _MONTHS)
    return np.concatenate([by_date, _moved(by_date[0], first), _working_days(first, days, calendar)])


def _nearest(positions: Integers) -> Integers:
    """The nearest `KEPT` former days that exist; the months stand from the nearest to the farthest."""
    order = np.argsort(positions < 0, axis=1, kind="stable")[:, :KEPT]
    return np.asarray(np.take_along_axis(positions, order, axis=1), dtype=np.int64)


def _moved(positions: Integers, first: date) -> Integers:
    """The analogues of days of the month that a weekend moves to its Monday or its Friday: [6, months, days]."""
    days = positions.shape[1]
    weekday = (np.arange(days) + first.weekday()) % 7
    found = []
    for onto, (saturday, sunday) in ((0, (2, 1)), (4, (-1, -2))):
        step = np.select([weekday == 5, weekday == 6], [saturday, sunday], 0)
        moved = np.where(positions >= 0, positions + step[positions], -1)
        found.append(moved)
        for away in (saturday, sunday):
            origin = np.roll(moved, away, axis=1)
            inside = np.arange(days) - away
            found.append(np.where((weekday == onto) & (inside >= 0) & (inside < days), origin, -1))
    return np.asarray(np.maximum(np.stack(found), -1), dtype=np.int64)


def _weeks_apart(days: int) -> Integers:
    """The same weekday every two and every four weeks, the length of sprints: [2, `KEPT`, days]."""
    times = np.arange(1, KEPT + 1)[:, None]
    return np.stack([np.maximum(np.arange(days) - step * times, -1) for step in _SPRINTS])


def _working_days(first: date, days: int, calendar: Calendar) -> Integers:
    """The analogues of the first and last working days of months: [2, `_MONTHS`, days]."""
    begin = first.replace(day=1)
    count = (first - begin).days + days
    # The last month's last days are counted from its end as well.
    last = begin + timedelta(days=count + 31)
    dates = np.arange(np.datetime64(begin), np.datetime64(last))
    working = np.is_busday(dates, holidays=special_days(begin, last, calendar)["date"].to_numpy())
    month = (dates.astype("datetime64[M]") - np.datetime64(begin, "M")).astype(np.int64)
    found = np.full((2, _MONTHS, len(dates)), -1, dtype=np.int64)
    for scheme in range(2):
        position, of_month = np.flatnonzero(working), month[working]
        if scheme:
            position, of_month = position[::-1], of_month[::-1]
        # Positions of one month follow each other.
        starts = np.r_[True, of_month[1:] != of_month[:-1]]
        rank = np.arange(len(of_month)) - np.maximum.accumulate(np.where(starts, np.arange(len(of_month)), 0))
        table = np.full((month[-1] + 1, _MOST_WORKING_DAYS), -1, dtype=np.int64)
        counted = rank < _MOST_WORKING_DAYS
        table[of_month[counted], rank[counted]] = position[counted]
        for back in range(1, _MONTHS + 1):
            former = of_month[counted] - back
            found[scheme, back - 1, position[counted]] = np.where(
                former >= 0, table[np.maximum(former, 0), rank[counted]], -1
            )
    shift = (first - begin).days
    found = found[:, :, shift : shift + days] - shift
    return np.maximum(found, -1)
