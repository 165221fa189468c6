"""How regular the numbers of runs are: those of jobs on a schedule repeat from week to week, or every other week.

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

# The mean number of either week of a fortnight follows within some weeks, so that one missed day leaves the rhythm as
# it is; two in a row end it, as does a rhythm of less than a tenth of a run.
_MEAN_GAIN, _FEW_RUNS, _STOPPED = 0.3, 0.1, 2


class Schedule:
    """The index of dispersion of the daily numbers of runs against the same weekday of a week, or two weeks, before.

    It is 1 for random (Poisson) numbers and 0 for a schedule; kept for working days and weekends apart, because runs
    of people hide those of schedules.
    """

    def __init__(self, series: int) -> None:
        """Start with numbers that are random."""
        # By weekday: one and two weeks before, and the mean numbers of either week of a fortnight.
        self._before = np.full((7, 2, series), np.nan)
        self._means, self._days = np.zeros((7, 2, series)), 0
        # How many of the days that were due in a fortnight have been missed in a row.
        self._missed = np.zeros((7, series))
        # By part of the week, weeks before, memory and series: half the squared differences, and the runs.
        self._squares, self._runs = np.zeros((2, 2, 2, series)), np.zeros((2, 2, 2, series))
        # What is asked for several times a day: the indices, and how many times the mean is expected.
        self._asked: tuple[int, int] | None = None
        self._asked_times: tuple[int, int] | None = None
        self._times: Floats = np.ones(series)

    def dispersion(self, day: Day) -> Floats:
        """Return the index of dispersion on such days: 0 as a week before; 1 where it is not known to be small."""
        index = np.asarray(self._indices(day).min(axis=0))
        return where(index < _REGULAR, index, 1.0)

    def of_fortnight(self, day: Day) -> Floats:
        """Return how many times the weekday's mean is expected: 1, and 0 or 2 where a job runs every other week."""
        if self._asked_times != (self._days, day.weekday):
            self._asked_times = self._days, day.weekday
            means = self._means[day.weekday]
            both = means.sum(axis=0)
            alternates = self._alternates(day)
            self._times = np.divide(2.0 * means[self._week], both, out=np.ones(len(both)), where=alternates)
        return self._times

    def residuals(self, day: Day, dispersion: Floats) -> Floats:
        """Compare a day's runs with those before, in standard deviations; 0 where there is no strict schedule."""
        if day.runs is None:
            return np.zeros(len(dispersion))
        before = self._expected(day)
        residual = 2.0 * (np.sqrt(day.runs) - np.sqrt(before)) / np.sqrt(np.maximum(dispersion, _LEAST_INDEX))
        sure = _index(self._squares[day.part, :, 0], self._runs[day.part, :, 0], 1.0).min(axis=0)
        return where((dispersion < _STRICT) & (sure < _SURE) & day.known & ~np.isnan(before), residual, 0.0)

    def never(self, day: Day, dispersion: Floats) -> Flags:
        """Return the series on a schedule that ran neither on this day nor on the same weekday before."""
        if day.runs is None:
            return np.zeros(len(day.usage), dtype=np.bool_)
        before = self._before[day.weekday, 0]
        never = np.asarray(day.known & (day.runs == 0) & (before == 0) & (dispersion < 1.0))
        return never & ~self._alternates(day)

    def learn(self, day: Day) -> None:
        """Learn from an ordinary day; all days are handed in one after the other."""
        if day.runs is None:
            return
        means = self._means[day.weekday, self._week]
        due = day.known & (means > self._means[day.weekday, 1 - self._week])
        missed = self._missed[day.weekday]
        self._missed[day.weekday] = where(due, where(day.runs > 0, 0.0, missed + 1.0), missed)
        self._means[day.weekday, self._week] = means + where(day.known, _MEAN_GAIN * (day.runs - means), 0.0)
        self._days += 1
        before = self._before[day.weekday]
        compared = day.known & ~np.isnan(before)
        mean = where(compared, (day.runs + before) / 2.0, 0.0)
        # A day counts as one run at most, however many it has.
        runs = np.minimum(mean, 1.0)
        kept = 1.0 - _FORGOTTEN * runs[:, None]
        of_day = where(compared, (day.runs - before) ** 2 / np.maximum(2.0 * mean, 2.0), 0.0)
        self._squares[day.part] = self._squares[day.part] * kept + of_day[:, None]
        self._runs[day.part] = self._runs[day.part] * kept + runs[:, None]
        # A day that is not known was as two weeks before.
        unknown = where(np.isnan(before[1]), before[0], before[1])
        before[1] = before[0]
        before[0] = where(day.known, day.runs, unknown)

    @property
    def _week(self) -> int:
        """Which week of a fortnight it is."""
        return self._days // 7 % 2

    def _expected(self, day: Day) -> Floats:
        week, two_weeks = self._before[day.weekday]
        return where(self._every_other_week(day), two_weeks, week)

    def _alternates(self, day: Day) -> Flags:
        """Return the series that run on this weekday every other week, and have not stopped."""
        runs = self._means[day.weekday].sum(axis=0)
        return np.asarray(self._every_other_week(day) & (runs > _FEW_RUNS) & (self._missed[day.weekday] < _STOPPED))

    def _every_other_week(self, day: Day) -> Flags:
        """Return the series that repeat every other week, and not each week."""
        of_week, of_two_weeks = self._indices(day)
        return np.asarray((of_two_weeks < _REGULAR) & (of_week >= _REGULAR))

    def _indices(self, day: Day) -> Floats:
        """Return the greater index of both memories on such days, by one week before and by two."""
        if self._asked != (self._days, day.part):
            self._asked = self._days, day.part
            squares, runs = self._squares[day.part], self._runs[day.part]
            together = _index(self._squares[:, :, 0].sum(axis=0), self._runs[:, :, 0].sum(axis=0), 1.0)
            lasting = _index(squares[:, 0], runs[:, 0], together)
            self._of_day = np.maximum(lasting, _index(squares[:, 1], runs[:, 1], lasting))
        return self._of_day


def _index(squares: Floats, runs: Floats, before: Floats | float) -> Floats:
    """Return the index of dispersion; `before` is what counts before there are runs."""
    return np.asarray((squares + _RUNS_BEFORE * before) / (runs + _RUNS_BEFORE))
