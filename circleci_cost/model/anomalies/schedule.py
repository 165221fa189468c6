"""How regular the numbers of runs are: those of jobs on a schedule repeat from week to week.

What follows for the variance of a day belongs in `residuals`.
"""

import numpy as np

from circleci_cost.model.anomalies.day import Day
from circleci_cost.model.anomalies.residuals import where
from circleci_cost.model.forecast.panel import Flags, Floats

# Long and short memory: shares forgotten after a day, on days with less than a run accordingly less. The short one
# notices within a fortnight that a schedule has ended.
_FORGOTTEN = np.array([0.02, 0.15])[:, None]
# Numbers are random until they repeat; this many runs of an index of 1 are part of each memory.
_RUNS_BEFORE = 2.0
# Random numbers of 1 to 20 runs a day stay below this index on 1 in 1,000 days (below .4: on 1 in 250).
_REGULAR = 0.3
# Numbers that repeat on most days stray far on others; below this index all have repeated for weeks.
_STRICT = 0.1
# What is not strict by its own days alone is no schedule that a single day could miss: jobs that ran once on each of
# eight weekend days, because there was one push, did not run on the ninth.
_SURE = 0.12
# The least index that residuals are divided by: 24 runs that become 26 are no anomaly, 1 that becomes 2 is.
_LEAST_INDEX = 0.04


class Schedule:
    """The index of dispersion of the daily numbers of runs against the same weekday of the week before.

    It is 1 for random (Poisson) numbers and 0 for a schedule; kept for working days and weekends apart, because runs
    of people hide those of schedules.
    """

    def __init__(self, series: int) -> None:
        """Start with numbers that are random."""
        self._week = np.full((7, series), np.nan)
        # By part of the week, memory and series: half the squared differences, and the runs.
        self._squares, self._runs = np.zeros((2, 2, series)), np.zeros((2, 2, series))

    def dispersion(self, day: Day) -> Floats:
        """Return the index of dispersion on such days: 0 as a week before; 1 where it is not known to be small."""
        squares, runs = self._squares[day.part], self._runs[day.part]
        together = _index(self._squares[0, 0] + self._squares[1, 0], self._runs[0, 0] + self._runs[1, 0], 1.0)
        lasting = _index(squares[0], runs[0], together)
        lately = _index(squares[1], runs[1], lasting)
        index = np.maximum(lasting, lately)
        return where(index < _REGULAR, index, 1.0)

    def residuals(self, day: Day, dispersion: Floats) -> Floats:
        """Compare a day's runs with a week before, in standard deviations; 0 where there is no strict schedule."""
        if day.runs is None:
            return np.zeros(len(dispersion))
        before = self._week[day.weekday]
        residual = 2.0 * (np.sqrt(day.runs) - np.sqrt(before)) / np.sqrt(np.maximum(dispersion, _LEAST_INDEX))
        sure = _index(self._squares[day.part, 0], self._runs[day.part, 0], 1.0)
        return where((dispersion < _STRICT) & (sure < _SURE) & day.known & ~np.isnan(before), residual, 0.0)

    def never(self, day: Day, dispersion: Floats) -> Flags:
        """Return the series on a schedule that ran neither on this day nor on the same weekday before."""
        if day.runs is None:
            return np.zeros(len(day.usage), dtype=np.bool_)
        before = self._week[day.weekday]
        return np.asarray(day.known & (day.runs == 0) & (before == 0) & (dispersion < 1.0))

    def learn(self, day: Day) -> None:
        """Learn from an ordinary day."""
        if day.runs is None:
            return
        before = self._week[day.weekday]
        compared = day.known & ~np.isnan(before)
        mean = where(compared, (day.runs + before) / 2.0, 0.0)
        # A day counts as one run at most, however many it has.
        runs = np.minimum(mean, 1.0)
        kept = 1.0 - _FORGOTTEN * runs
        self._squares[day.part] *= kept
        self._squares[day.part] += where(compared, (day.runs - before) ** 2 / np.maximum(2.0 * mean, 2.0), 0.0)
        self._runs[day.part] *= kept
        self._runs[day.part] += runs
        self._week[day.weekday] = where(day.known, day.runs, before)


def _index(squares: Floats, runs: Floats, before: Floats | float) -> Floats:
    """Return the index of dispersion; `before` is what counts before there are runs."""
    return np.asarray((squares + _RUNS_BEFORE * before) / (runs + _RUNS_BEFORE))
