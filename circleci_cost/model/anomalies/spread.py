"""How much residuals vary beyond their expected variance, and how much they stay on one side for days.

It serves residuals of days and of runs alike and does not know which they are.
"""

import numpy as np
import numpy.typing as npt

from circleci_cost.model.anomalies.residuals import cut_off, where, within
from circleci_cost.model.forecast.panel import Flags, Floats

# A squared residual counts up to 2.5² spreads; the factor makes up for what is cut off of a normal distribution.
_SQUARED_CUT, _SQUARED_BACK = 6.25, 1.1
# The mean of residuals, smoothed by a fifth a day, has nine times less variance if days are independent.
_MEAN_GAIN, _INDEPENDENT, _MEAN_CUT = 0.2, 9.0, 2.5
_WANDER_GAIN, _MOST_WANDER, _WANDER_LIMITS = 0.03, 6.0, (1.0, 4.0)


class Spread:
    """Per series: the `variance` of its residuals (1: as expected) and `wander`, that of their smoothed mean."""

    def __init__(self, series: int) -> None:
        """Start with residuals as expected and days independent."""
        self.variance = np.ones(series)
        self.wander = np.ones(series)
        self._mean = np.zeros(series)

    def learn_variance(
        self, plain: Floats, gain: Floats, limits: tuple[npt.ArrayLike, npt.ArrayLike], learning: Flags
    ) -> None:
        """Learn from residuals not yet divided by the spread, large ones cut off."""
        squared = np.minimum(plain**2, _SQUARED_CUT * self.variance) * _SQUARED_BACK
        learned = within(self.variance + gain * (squared - self.variance), *limits)
        self.variance = where(learning, learned, self.variance)

    def learn_wander(self, residual: Floats, learning: Flags) -> None:
        """Learn from residuals in standard deviations whether they stay on one side for days."""
        mean = (1 - _MEAN_GAIN) * self._mean + _MEAN_GAIN * cut_off(residual, _MEAN_CUT)
        self._mean = where(learning, mean, self._mean)
        seen = np.minimum(self._mean**2 * _INDEPENDENT, _MOST_WANDER)
        learned = within(self.wander + _WANDER_GAIN * (seen - self.wander), *_WANDER_LIMITS)
        self.wander = where(learning, learned, self.wander)

    def settle(self, series: Flags) -> None:
        """Forget the side on which the residuals of some series have been."""
        self._mean[series] = 0.0
