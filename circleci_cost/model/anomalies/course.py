"""The course of a smoothed value over the last weeks, to find drifts that daily residuals are too small to show.

A step is not a drift: after a step, the caller scales the course by the same factor.
"""

import numpy as np

from circleci_cost.model.anomalies.day import TINY, Recent
from circleci_cost.model.anomalies.residuals import positions, where
from circleci_cost.model.forecast.panel import Flags, Floats, Integers

DRIFT_DAYS = 42
_DRIFTED_BY = 0.15


class Course:
    """A value and its variance on the last `DRIFT_DAYS` learned days."""

    def __init__(self, series: int, gain: float) -> None:
        """Start empty; `gain` is the gain of the exponential smoothing that produces the value."""
        self._recent = Recent(series, DRIFT_DAYS, kinds=2)
        self._values, self._variances = self._recent.values
        # The variance of the difference of two smoothed values `DRIFT_DAYS` apart, relative to the variance of a day.
        self._of_difference = 2.0 * gain / (2.0 - gain)

    def append(self, values: Floats, variances_of_day: Floats, known: Flags) -> None:
        """Add a day."""
        self._recent.append(known, values, variances_of_day * self._of_difference)

    def scale(self, series: Flags, factor: Floats) -> None:
        """Multiply the past of some series by the factor of their step; `factor` has a value for each of them."""
        self._values[:, series] *= factor
        self._variances[:, series] *= factor**2

    def restart(self, series: Flags | Integers) -> None:
        """Forget the past of some series and watch them anew."""
        self._values[:, series] = np.nan

    def moved(self, now: Floats) -> Floats:
        """Return by how many standard deviations the values differ from the oldest ones kept.

        The standard deviation is the old one, because a drift inflates the present one. 0 where fewer days are known,
        and where the change is below 15 % of the old value.
        """
        before, variance = self._recent.oldest()
        known = before > 0
        share = where(known, now, 1.0) / where(known, before, 1.0) - 1.0
        chosen = positions(np.abs(share) >= _DRIFTED_BY)
        moved = np.zeros(len(now))
        moved[chosen] = (now[chosen] - before[chosen]) / np.sqrt(np.maximum(variance[chosen], TINY**2))
        return moved
