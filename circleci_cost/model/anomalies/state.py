"""What is known of many series at the end of a day, and a day held against it.

Put together from level, rate and spread; what is unusual is `thresholds`' to say.
"""

import numpy as np

from circleci_cost.model.anomalies.course import Course
from circleci_cost.model.anomalies.day import TINY, Day, Residuals
from circleci_cost.model.anomalies.level import LEVEL_GAIN, Level
from circleci_cost.model.anomalies.rate import RATE_GAIN, Rate
from circleci_cost.model.anomalies.residuals import cut_off, day_variance, giant_factor, root_residual, where
from circleci_cost.model.anomalies.spread import Spread
from circleci_cost.model.forecast.panel import Flags, Floats

# Known days that are learned from before a series is judged: each weekday is seen twice.
MINIMUM_DAYS = 14
_SPREAD_GAIN, _FIRST_SPREADS = 0.015, 12
_HUBER = 1.5
_SPREAD_LIMITS = (0.7, 9.0)
# Where the runs are not known, the spread is all that tells how much days differ: one booking a day is no chance.
_SPREAD_LIMITS_WITHOUT_RUNS = (0.02, 50.0)
# A day's squares count up to six times the usual: one giant run is no new spread.
_MOST_SQUARES = 6.0
_SUMS_SETTLE_AFTER, _SUMS_FORGET_AFTER = 5, 25
# Series of less than half a usual run a day are judged by the week.
_SPARSE_RUNS_OF_WEEK = 3.5
_SHARE_WITHOUT_RUNS = 0.05


class State:
    """What each series is expected to use, per day and per run, and how much that varies.

    `days` were learned from; `level`, `rate` and `spread` are those parts' own. Days are handed in one after the other:
    `wake` and `residuals` first, then `remember_week`, then `learn` where the day is no holiday.
    """

    def __init__(self, series: int) -> None:
        """Know nothing of so many series; each is judged after `MINIMUM_DAYS` known days."""
        self.days = np.zeros(series)
        self.level, self.rate, self.spread = Level(series), Rate(series), Spread(series)
        self._levels, self._rates = Course(series, LEVEL_GAIN), Course(series, RATE_GAIN)
        self._usage, self._squares = np.zeros(series), np.zeros(series)
        # The last seven days by weekday: usage, what was expected, its variance.
        self._week = np.zeros((3, series, 7))

    @property
    def per_run(self) -> Floats:
        """The sum over runs of their squared usage, over their usage; without squares a twentieth of a day's usage."""
        known = self._runs_known
        found = np.divide(self._squares, self._usage, out=np.zeros(len(known)), where=known)
        return where(known, found, _SHARE_WITHOUT_RUNS * self.level.level)

    @property
    def _runs_known(self) -> Flags:
        return np.asarray((self._squares > 0) & (self._usage > 0))

    def ready(self, day: Day) -> Flags:
        """The series that can be judged on a day."""
        return np.asarray(day.known & (self.days >= MINIMUM_DAYS))

    def wake(self, day: Day) -> None:
        """Put series that have rested for some weeks, and go on as before, back to their former level."""
        self._levels.restart(self.level.wake(day))

    def residuals(self, day: Day) -> Residuals:
        """Hold a day against what is known up to the day before."""
        per_run = self.per_run
        expected = self.level.expected(day.weekday)
        usual = day_variance(expected, per_run, self.level.level)
        variance = usual * self.spread.variance
        giant = giant_factor(day.squares, day.usage, per_run)
        week = self._week.copy()
        week[:, :, day.weekday] = where(day.known, day.usage, expected), expected, variance
        of_week, expected_week, week_variance = week.sum(axis=2)
        pair = week[:, :, [day.weekday, day.weekday - 1]].sum(axis=2)
        return Residuals(
            expected=expected,
            variance=variance,
            of_day=root_residual(day.usage, expected, variance * giant),
            of_pair=root_residual(pair[0], pair[1], pair[2] * giant),
            of_week=root_residual(of_week, expected_week, week_variance * giant),
            plain=root_residual(day.usage, expected, usual),
            sparse=np.asarray(expected_week < _SPARSE_RUNS_OF_WEEK * np.maximum(per_run, TINY)),
            rate=self.rate.residuals(day, per_run, giant),
        )

    def drifted(self) -> tuple[Floats, Floats]:
        """How far level and usage per run have moved in six weeks beyond their steps, in standard deviations."""
        return self._levels.moved(self.level.level), self._rates.moved(self.rate.rate[:, 0])

    def remember_week(self, day: Day, found: Residuals) -> None:
        """Keep a day among the last seven; special and unknown ones as if they had been usual."""
        usage = found.expected if day.special else where(day.known, day.usage, found.expected)
        self._week[:, :, day.weekday] = usage, found.expected, found.variance

    def learn(self, day: Day, found: Residuals) -> None:
        """Learn from an ordinary day; holidays and closures are not learned from."""
        ready = self.ready(day)
        starting = day.known & ~ready
        self.level.count(day, starting)
        self.days += day.known
        self._begin(starting & (self.days >= MINIMUM_DAYS))
        residual = found.plain / np.sqrt(self.spread.variance)
        self.level.learn(day, cut_off(residual, _HUBER) * np.sqrt(found.variance), ready)
        self._learn_squares(day)
        gain = np.maximum(_SPREAD_GAIN, 1.0 / (self.days - MINIMUM_DAYS + _FIRST_SPREADS).clip(1))
        of_runs = (self._squares > 0) & (found.sparse | (self.rate.runs > 0))
        lowest, highest = (
            where(of_runs, known, unknown)
            for known, unknown in zip(_SPREAD_LIMITS, _SPREAD_LIMITS_WITHOUT_RUNS, strict=True)
        )
        self.spread.learn_variance(found.plain, gain, (lowest, highest), ready)
        self.spread.learn_wander(found.plain / np.sqrt(self.spread.variance), ready)
        self.rate.learn(day, found.rate, gain, self.days, ready)
        self._follow(day, ready)

    def rebase(self, series: Flags) -> None:
        """Take the last week for the new normal level and usage per run of some series: a step, and no drift."""
        self._levels.scale(series, self.level.rebase(series))
        self._rates.scale(series, self.rate.rebase(series))
        self.spread.settle(series)

    def forget_drift(self, series: Flags) -> None:
        """Begin anew to watch for drifts of some series."""
        self._levels.restart(series)
        self._rates.restart(series)

    def _begin(self, begun: Flags) -> None:
        if begun.any():
            # The week before is taken for a usual one.
            usual = self.level.begin(begun)
            self._week[:2, begun] = usual
            self._week[2, begun] = day_variance(usual, self.per_run[begun, None], self.level.level[begun, None])

    def _learn_squares(self, day: Day) -> None:
        """Learn the squared usage of runs; the first weeks count alike, later ones are forgotten."""
        if day.squares is None:
            return
        settled = (self._usage > 0) & (self.days > _SUMS_SETTLE_AFTER)
        usual = self.per_run * np.maximum(day.usage, self.level.level)
        squares = np.minimum(day.squares, where(settled, _MOST_SQUARES * usual, np.inf))
        kept = where(self.days < _SUMS_FORGET_AFTER, 1.0, 1.0 - _SPREAD_GAIN)
        # Usage without squares is a day of which they are not given.
        learning = day.known & ((day.squares > 0) | (day.usage <= 0))
        self._squares = where(learning, self._squares * kept + squares, self._squares)
        self._usage = where(learning, self._usage * kept + day.usage, self._usage)

    def _follow(self, day: Day, ready: Flags) -> None:
        """Keep level and rate for the watch on drifts."""
        per_run, level = self.per_run, self.level.level
        of_day = day_variance(level, per_run, level) * self.spread.variance * self.spread.wander
        self._levels.append(level, of_day, ready)
        if day.runs is not None and not day.part:
            self._rates.append(self.rate.rate[:, 0], self.rate.variance_of_rate(per_run), ready & (day.runs > 0))
