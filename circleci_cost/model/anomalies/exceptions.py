"""Days on which a range of usage is as good as expected: quiet days of the calendar, and days of monthly batches.

How quiet days are is known in `quiet_days`, what months bring in `monthly`; here a day is judged against the nearest
value of its range.
"""

from dataclasses import dataclass, replace

import numpy as np

from circleci_cost.model.anomalies.day import Day, Residuals
from circleci_cost.model.anomalies.monthly import Monthly
from circleci_cost.model.anomalies.quiet_days import QuietDays
from circleci_cost.model.anomalies.residuals import day_residual, positions, where
from circleci_cost.model.anomalies.state import State
from circleci_cost.model.calendar.recurrences import Recurrences
from circleci_cost.model.forecast.panel import Flags, Floats, Integers

# A day this many standard deviations towards a batch or a pause is a day of it; the others are ordinary days.
_TOWARDS = 1.0


@dataclass(frozen=True)
class Range:
    """From the lowest to the highest usage that is as good as expected, and the `expected` one; [series]."""

    low: Floats
    high: Floats
    expected: Floats


class Exceptions:
    """What each series may use instead of what its weekday usually brings; days are handed in one after the other."""

    def __init__(self, kind: Integers, recurrences: Recurrences, series: int) -> None:
        """Start with what the calendar knows: the `kind` of each day, −1 or the position in `KINDS`."""
        self._kind, self._quiet, self._monthly = kind, QuietDays(series), Monthly(recurrences, series)

    def compare(self, number: int, day: Day, state: State, residuals: Residuals) -> tuple[Residuals, Range]:
        """Compare a day with its range, and remember it; ordinary days keep their residuals."""
        usual = residuals.expected
        low = high = expected = nearest = usual
        kind = int(self._kind[number])
        if kind >= 0:
            *shares, rests = self._quiet.shares(kind, day.weekday, state)
            low, high, expected = (share * usual for share in shares)
            nearest = np.clip(day.usage, low, high)
            excepted = rests | ~state.ready(day) | (day.usage < usual)
            residuals = _against((low, high), excepted, day, state, residuals)
            self._quiet.learn(kind, day, state, usual)
        excess = self._monthly.excess(number, usual, residuals.variance)
        self._monthly.learn(number, residuals.of_day, day.usage, nearest, state.ready(day))
        if excess is None:
            return residuals, Range(low, high, expected)
        # A job that runs every other week has that in its expectation already.
        regular = state.schedule.of_fortnight(day) == 1.0
        up, down, certain = (where(regular, share, 0.0) for share in excess)
        towards = ((up > 0) & (residuals.of_day > _TOWARDS)) | ((down > 0) & (residuals.of_day < -_TOWARDS))
        low = where(certain > 0, np.minimum(low + certain, high + up), np.maximum(low - down, 0.0))
        high, of_month = high + up, towards | (certain > 0)
        expected = where(of_month, np.maximum(expected + up - down, 0.0), expected)
        residuals = _against((low, high), of_month, day, state, residuals)
        return residuals, Range(low, high, expected)


def _against(limits: tuple[Floats, Floats], which: Flags, day: Day, state: State, residuals: Residuals) -> Residuals:
    """Judge some series by the distance of their day from a range alone."""
    if not which.any():
        return residuals
    nearest = where(which, np.clip(day.usage, *limits), residuals.expected)
    other, of_day = positions(nearest != residuals.expected), residuals.of_day.copy()
    variance = state.variance(nearest, residuals)[other] * residuals.giant[other]
    of_day[other] = day_residual(day.usage[other], nearest[other], variance, residuals.of_run[other])
    return replace(
        residuals,
        of_day=of_day,
        of_runs=where(which, 0.0, residuals.of_runs),
        irregular=residuals.irregular | which,
        rate=replace(residuals.rate, of_day=where(which, 0.0, residuals.rate.of_day)),
    )
