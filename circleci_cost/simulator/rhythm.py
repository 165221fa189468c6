"""How busy a day is expected to be: weekdays, holidays, growth and the hours of pushes.

Labelled events belong to `effects`, random deviations from the rhythm to `volatility`.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cache

import holidays
import numpy as np

from circleci_cost.simulator.draws import Floats
from circleci_cost.simulator.scenario import Closure

_WEEK = (1.25, 1.35, 1.37, 1.33, 1.15, 0.25, 0.30)
_HOLIDAYS = {(12, day) for day in range(24, 32)} | {(1, 1), (5, 1)}
_HOLIDAY, _BRIDGE, _YEAR_END = 0.12, 0.5, 0.3
_GROWTH_ANCHOR = date(2026, 1, 1)
_HOURS = (1, 1, 1, 1, 1, 2, 5, 12, 22, 30, 32, 28, 22, 28, 32, 32, 28, 20, 12, 8, 7, 6, 5, 4)

WORKING_LEVEL = sum(_WEEK[:5]) / 5
"""The mean activity of a working day, relative to the year's mean."""


def push_activity(days: list[date], country: str | None = None, closures: Sequence[Closure] = ()) -> Floats:
    """Return each day's pushes relative to the year's mean: a weekly rhythm that holidays interrupt.

    With a `country`, most work rests on its public holidays and in the last week of the year, half on bridge days;
    `closures` say how much on theirs.
    """
    if country is not None:
        return np.array([_WEEK[day.weekday()] for day in days]) * _work_done(days, country, closures)
    return np.array([_WEEK[day.weekday()] * (0.15 if (day.month, day.day) in _HOLIDAYS else 1.0) for day in days])


def _work_done(days: list[date], country: str, closures: Sequence[Closure]) -> Floats:
    """Return how much of a usual day's work is done on each day of a country's calendar."""
    public = frozenset[date]().union(*(_public(country, year) for year in range(days[0].year, days[-1].year + 2)))
    day_before, day_after = timedelta(days=-1), timedelta(days=1)
    work = np.ones(len(days))
    for position, day in enumerate(days):
        if day in public:
            work[position] = _HOLIDAY
        elif day.month == 12 and day.day >= 24:
            work[position] = _YEAR_END
        elif (day.weekday() == 0 and day + day_after in public) or (day.weekday() == 4 and day + day_before in public):
            work[position] = _BRIDGE
        for closure in closures:
            if closure.first_day <= day <= closure.last_day:
                work[position] = min(closure.share, _HOLIDAY) if day in public else closure.share
    return work


@cache
def _public(country: str, year: int) -> frozenset[date]:
    """Return a country's public holidays."""
    return frozenset(holidays.country_holidays(country, years=year))


def growth(days: list[date], per_year: float) -> Floats:
    """Return each day's size relative to 2026-01-01."""
    years = np.array([(day - _GROWTH_ANCHOR).days / 365.0 for day in days])
    return np.asarray((1.0 + per_year) ** years, dtype=np.float64)


def push_times(uniform: Floats) -> Floats:
    """Turn uniform draws into seconds since midnight, dense in working hours."""
    cumulated = np.concatenate(([0.0], np.cumsum(_HOURS))) / sum(_HOURS)
    return np.asarray(np.interp(uniform, cumulated, np.arange(25) * 3600.0), dtype=np.float64)
