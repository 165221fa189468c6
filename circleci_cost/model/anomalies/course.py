"""The course of a smoothed value over the last weeks, to find drifts that daily residuals are too small to show.

A step is no drift: whoever rebases a value scales its course along.
"""

import numpy as np

from circleci_cost.model.anomalies.day import TINY, append_known
from circleci_cost.model.anomalies.residuals import where
from circleci_cost.model.forecast.panel import Flags, Floats

DRIFT_DAYS = 42
_DRIFTED_BY = 0.15


class Course:
    """What a value and its variance were on the last `DRIFT_DAYS` learned days, the oldest first."""

    def __init__(self, series: int, gain: float) -> None:
        """Nothing is known yet; `gain` is that of the value's exponential smoothing."""
        self._values, self._variances = np.full((series, DRIFT_DAYS), np.nan), np.full((series, DRIFT_DAYS), np.nan)
        # The variance of the difference of two smoothed values so far apart, relative to that of a day.
        self._of_difference = 2.0 * gain / (2.0 - gain)

    def append(self, values: Floats, variances_of_day: Floats, known: Flags) -> None:
        """Add a day."""
        append_known(self._values, values, known)
        append_known(self._variances, variances_of_day * self._of_difference, known)

    def scale(self, series: Flags, factor: Floats) -> None:
        """Move the past of some series along with a step of theirs; `factor` has a value for each of them."""
        self._values[series] *= factor[:, None]
        self._variances[series] *= factor[:, None] ** 2

    def restart(self, series: Flags) -> None:
        """Begin anew to watch some series."""
        self._values[series] = np.nan

    def moved(self, now: Floats) -> Floats:
        """By how many standard deviations values are off what they were.

        The deviations are those of then, as a drift is learned as spread. 0 where less is known, and where a move is no
        more than 15 % of what was.
        """
        before = self._values[:, 0]
        share = np.divide(now, before, out=np.ones(len(now)), where=before > 0) - 1.0
        deviations = (now - before) / np.sqrt(np.maximum(self._variances[:, 0], TINY**2))
        return where(np.abs(share) >= _DRIFTED_BY, np.nan_to_num(deviations), 0.0)
