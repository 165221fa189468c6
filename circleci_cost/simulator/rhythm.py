"""How busy a day is: weekdays, holidays, growth and the hours of pushes.

Labelled events are not part of the rhythm; they belong to `effects`.
"""

from datetime import date

import numpy as np

from circleci_cost.simulator.draws import Floats

_WEEK = (1.25, 1.35, 1.37, 1.33, 1.15, 0.25, 0.30)
_HOLIDAYS = {(12, day) for day in range(24, 32)} | {(1, 1), (5, 1)}
_GROWTH_ANCHOR = date(2026, 1, 1)
_HOURS = (1, 1, 1, 1, 1, 2, 5, 12, 22, 30, 32, 28, 22, 28, 32, 32, 28, 20, 12, 8, 7, 6, 5, 4)


def push_activity(days: list[date]) -> Floats:
    """Return each day's pushes relative to the year's mean: a weekly rhythm that holidays interrupt."""
    return np.array([_WEEK[day.weekday()] * (0.15 if (day.month, day.day) in _HOLIDAYS else 1.0) for day in days])


def growth(days: list[date], per_year: float) -> Floats:
    """Return each day's size relative to 2026-01-01."""
    years = np.array([(day - _GROWTH_ANCHOR).days / 365.0 for day in days])
    return np.asarray((1.0 + per_year) ** years, dtype=np.float64)


def push_times(uniform: Floats) -> Floats:
    """Turn uniform draws into seconds since midnight, dense in working hours."""
    cumulated = np.concatenate(([0.0], np.cumsum(_HOURS))) / sum(_HOURS)
    return np.asarray(np.interp(uniform, cumulated, np.arange(25) * 3600.0), dtype=np.float64)
