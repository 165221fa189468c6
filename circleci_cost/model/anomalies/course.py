"""The course of a smoothed value over the last weeks, to find drifts that daily residuals are too small to show.

A step is not a drift: after a step, the caller scales the course by the same factor.
"""

import numpy as np

from circleci_cost.model.anomalies.day import TINY, append_known
from circleci_cost.model.anomalies.residuals import where
from circleci_cost.model.forecast.panel import Flags, Floats

DRIFT_DAYS = 42
_DRIFTED_BY = 0.15


class Course:
    """A value and its variance on the last `DRIFT_DAYS` learned days, oldest first."""

    def __init__(self, series: int, gain: float) -> None:
        """Start empty; `gain` is the gain of the exponential smoothing that produces the value."""
        self._values, self._variances = np.full((series, DRIFT_DAYS), np.nan), np.full((series, DRIFT_DAYS), np.nan)
        # The variance of the difference of two smoothed values `DRIFT_DAYS` apart, relative to the variance of a day.
        self._of_difference = 2.0 * gain / (2.0 - gain)

    def append(self, values: Floats, variances_of_day: Floats, known: Flags) -> None:
        """Add a day."""
        append_known(self._values, values, known)
        append_known(self._variances, variances_of_day * self._of_difference, known)

    def scale(self, series: Flags, factor: Floats) -> None:
        """Multiply the past of some series by the factor of their step; `factor` has a value for each of them."""
        self._values[series] *= factor[:, None]
        self._variances[series] *= factor[:, None] ** 2

    def restart(self, series: Flags) -> None:
        """Forget the past of some series and watch them anew."""
        self._values[series] = np.nan

    def moved(self, now: Floats) -> Floats:
        """Return by how many standard deviations the values differ from the oldest ones kept.

        The standard deviation is the old one, because a drift inflates the present one. 0 where fewer days are known,
        and where the change is below 15 % of the old value.
        """
        before = self._values[:, 0]
        share = np.divide(now, before, out=np.ones(len(now)), where=before > 0) - 1.0
        deviations = (now - before) / np.sqrt(np.maximum(self._variances[:, 0], TINY**2))
        return where(np.abs(share) >= _DRIFTED_BY, np.nan_to_num(deviations), 0.0)
