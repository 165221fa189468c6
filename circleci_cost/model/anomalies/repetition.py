"""How much days of schedules really differ, whose runs cost unequally but alike from day to day.

The squared costs of runs count what one job costs more than another as if the runs of a day were drawn at random. The
variance by runs belongs in `state`, the regularity of their numbers in `schedule`.
"""

import numpy as np

from circleci_cost.model.anomalies.day import TINY, Day
from circleci_cost.model.anomalies.residuals import where
from circleci_cost.model.forecast.panel import Flags, Floats, Integers

_FORGOTTEN = 0.015
# So many days with usage tell how much they differ; what was assumed before counts as a part of one of them: as a whole
# one, three jobs of .27, .01 and .02 that vary by a tenth and double scored .95 on the day, so 1.27.
_FEWEST_DAYS, _ASSUMED_DAYS = 8.0, 0.3
# Durations are skewed: what was seen is that much less than what may come. Schedules of log-normal durations (sigma .7)
# had .24 alarms a year at 1.5 and .05 at 2, as without this module.
_MAY_COME = 2.0
# A squared residual counts up to 2.5² variances, as in `spread`.
_SQUARED_CUT = 6.25


class Repetition:
    """The squared residuals of each series over its expected usage."""

    def __init__(self, series: int) -> None:
        """Start with nothing seen."""
        self._squares, self._usage, self._days = np.zeros(series), np.zeros(series), np.zeros(series)

    def least(self, varying: Floats, chosen: Integers) -> Floats:
        """Return the variance per usage of some series: as assumed, or as seen where that is less."""
        usage, days = self._usage[chosen], self._days[chosen]
        assumed = varying * usage * _ASSUMED_DAYS / np.maximum(days, 1.0)
        seen = _MAY_COME * (self._squares[chosen] + assumed) / np.maximum(usage, TINY)
        return where(days >= _FEWEST_DAYS, np.minimum(varying, seen), varying)

    def learn(self, day: Day, expected: Floats, variance: Floats, learning: Flags) -> None:
        """Learn from an ordinary day with usage."""
        counted = learning & (day.usage > 0)
        kept = 1.0 - _FORGOTTEN * counted
        squared = np.minimum((day.usage - expected) ** 2, _SQUARED_CUT * variance)
        self._squares = self._squares * kept + where(counted, squared, 0.0)
        self._usage = self._usage * kept + where(counted, expected, 0.0)
        self._days = self._days * kept + counted
