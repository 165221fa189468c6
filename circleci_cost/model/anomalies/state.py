"""What has been learned about many series so far, and the residuals of a day against it.

It combines level, rate and spread; `thresholds` decides what is unusual.
"""

from dataclasses import replace

import numpy as np

from circleci_cost.model.anomalies.course import Course
from circleci_cost.model.anomalies.day import TINY, Day, Residuals
from circleci_cost.model.anomalies.level import LEVEL_GAIN, Level
from circleci_cost.model.anomalies.rate import RATE_GAIN, Rate
from circleci_cost.model.anomalies.repetition import Repetition
from circleci_cost.model.anomalies.residuals import (
    DAY_SHARE,
    cut_off,
    day_residual,
    day_variance,
    giant_factor,
    positions,
    root_residual,
    where,
)
from circleci_cost.model.anomalies.schedule import Schedule
from circleci_cost.model.anomalies.spread import Spread
from circleci_cost.model.forecast.panel import Flags, Floats

# Known days to learn from before a series is judged: each weekday has been seen twice.
MINIMUM_DAYS = 14
# Thresholds are higher by this, over the days known: 57 % after two weeks, 13 % after two months, 2 % after a year
# (Student's t at the thresholds: 45 %, 8 %, 1 %; profiles are younger than the days). Calm sets (seed 1) had .20 alarms
# a series-year, not .28; F1 rose from .67 to .72 on the third generator (31, 32) and stayed on the others (1, 2).
_DOUBT_DAYS = 8.0
# Numbers of runs that repeat are known sooner: a nightly that runs twice alarms after three months.
_DOUBT_OF_SCHEDULE = 4.0
_SPREAD_GAIN, _FIRST_SPREADS = 0.015, 12
_HUBER = 1.5
# Projects that work in bursts vary by gamma factors, which takes a spread of 35; at most 9 they alarmed 5 to 10 times a
# year. Where nothing bursts, the upper limit changes F1 by .001.
_SPREAD_LIMITS = (0.7, 50.0)
# Costs of single runs are skewed; where their number does not vary as well, this makes up for it: series of log-normal
# durations (sigma .4 to .7) on a schedule had .05 to .35 alarms a year, and without it .05 to .9.
_SKEWED = 1.5
# The lowest spread of a schedule where its variance is all `DAY_SHARE`: days that repeat vary by a twentieth.
_LOWEST_OF_SHARE = 0.1
# Without runs the spread alone expresses how much days differ; one booking a day hardly varies by chance.
_SPREAD_LIMITS_WITHOUT_RUNS = (0.02, 50.0)
# A day's squares count up to six times the usual: one giant run does not change the spread.
_MOST_SQUARES = 6.0
_SUMS_SETTLE_AFTER, _SUMS_FORGET_AFTER = 5, 25
# Series of less than half a usual run a day are judged by the week.
_SPARSE_RUNS_OF_WEEK = 3.5
_SHARE_WITHOUT_RUNS = 0.05


class State:
    """What each series is expected to use, per day and per run, and how much that varies.

    `days` counts the days learned from. Days are handed in one after the other: `wake` and `residuals` first, then
    `remember_week`, then `learn`.
    """

    def __init__(self, series: int) -> None:
        """Start with nothing learned of this many series; each is judged after `MINIMUM_DAYS` known days."""
        self.days = np.zeros(series)
        self.level, self.rate, self.spread = Level(series), Rate(series), Spread(series)
        self.schedule, self._repetition = Schedule(series), Repetition(series)
        self._levels, self._rates = Course(series, LEVEL_GAIN), Course(series, RATE_GAIN)
        self._usage, self._squares, self._runs = np.zeros(series), np.zeros(series), np.zeros(series)
        # The last seven days by weekday: usage, expected usage, variance.
        self._week = np.zeros((3, 7, series))
        # Squares over usage, where they are known; kept, since it is asked for several times a day.
        self._per_run_known, self._per_run = np.zeros(series, dtype=np.bool_), np.zeros(series)

    @property
    def per_run(self) -> Floats:
        """The sum over runs of their squared usage, over their usage; without squares a twentieth of a day's level."""
        return where(self._per_run_known, self._per_run, _SHARE_WITHOUT_RUNS * self.level.level)

    def doubt(self, dispersion: Floats) -> Floats:
        """Return the factor on thresholds, at least 1, for what is not known yet of level, profile and spread."""
        return 1.0 + where(dispersion < 1.0, _DOUBT_OF_SCHEDULE, _DOUBT_DAYS) / np.maximum(self.days, 1.0)

    def ready(self, day: Day) -> Flags:
        """The series that can be judged on a day."""
        return np.asarray(day.known & (self.days >= MINIMUM_DAYS))

    def wake(self, day: Day) -> None:
        """Put series that rested for some weeks and now go on as before back to their former level."""
        self._levels.restart(self.level.wake(day))

    def residuals(self, day: Day) -> Residuals:
        """Compare a day with what was learned up to the day before."""
        per_run = self.per_run
        times = self.schedule.of_fortnight(day)
        expected = self.level.expected(day.weekday, times)
        dispersion = self.schedule.dispersion(day)
        varying = self._per_run_varying(per_run, dispersion)
        usual = day_variance(expected, varying, self.level.level)
        variance = usual * self.spread.variance
        giant = giant_factor(day.squares, day.usage, per_run)
        # The day takes the place of that of a week before here, and its usage is put right in `remember_week`.
        self._week[:, day.weekday] = where(day.known, day.usage, expected), expected, variance
        of_week, expected_week, week_variance = self._week.sum(axis=1)
        # Less than a floor is no less than usual.
        least = where(self.level.rests(day.weekday) | (times == 0), 0.0, -np.inf)
        pair = self._week[:, day.weekday] + self._week[:, day.weekday - 1]
        return Residuals(
            expected=expected,
            variance=variance,
            of_day=np.maximum(day_residual(day.usage, expected, variance * giant, per_run), least),
            of_run=per_run,
            varying=varying,
            giant=giant,
            dispersion=dispersion,
            of_runs=self.schedule.residuals(day, dispersion),
            of_pair=day_residual(pair[0], pair[1], pair[2] * giant, per_run),
            of_week=root_residual(of_week, expected_week, week_variance * giant),
            plain=np.maximum(root_residual(day.usage, expected, usual), least),
            sparse=np.asarray((expected_week < _SPARSE_RUNS_OF_WEEK * np.maximum(per_run, TINY)) & (dispersion >= 1.0)),
            irregular=np.zeros(len(expected), dtype=np.bool_),
            rate=self.rate.residuals(day, per_run, giant),
        )

    def variance(self, expected: Floats, residuals: Residuals) -> Floats:
        """Return the variance of the day of these residuals if so much were expected.

        What is above the usual varies as much as days do, also in a series of a strict schedule.
        """
        other = positions(expected != residuals.expected)
        if not len(other):
            return residuals.variance
        variance = residuals.variance.copy()
        of_chance = day_variance(expected[other], residuals.varying[other], self.level.level[other])
        above = np.maximum(expected[other] - residuals.expected[other], 0.0)
        variance[other] = of_chance * self.spread.variance[other] + (DAY_SHARE * above) ** 2
        return variance

    def drifted(self) -> tuple[Floats, Floats]:
        """Return how far level and usage per run have moved in six weeks, steps excluded, in standard deviations."""
        return self._levels.moved(self.level.level), self._rates.moved(self.rate.rate[0])

    def remember_week(self, day: Day, residuals: Residuals) -> None:
        """Keep a day among the last seven; irregular and unknown days count as expected."""
        self._week[0, day.weekday] = where(day.known & ~residuals.irregular, day.usage, residuals.expected)

    def learn(self, day: Day, residuals: Residuals) -> None:
        """Learn from a day, but nothing of series on which it is irregular."""
        day = replace(day, known=day.known & ~residuals.irregular)
        ready = self.ready(day)
        starting = day.known & ~ready
        self.level.count(day, starting)
        self.days += day.known
        self._begin(day, starting & (self.days >= MINIMUM_DAYS))
        residual = residuals.plain / np.sqrt(self.spread.variance)
        self.level.learn(day, cut_off(residual, _HUBER) * np.sqrt(residuals.variance), ready)
        self.level.rest(day.weekday, ready & self.schedule.never(day, residuals.dispersion))
        self._learn_squares(day)
        self.schedule.learn(day)
        self._repetition.learn(day, residuals.expected, residuals.variance, ready)
        gain = np.maximum(_SPREAD_GAIN, 1.0 / (self.days - MINIMUM_DAYS + _FIRST_SPREADS).clip(1))
        of_runs = (self._squares > 0) & (residuals.sparse | (self.rate.runs > 0))
        lowest = where(of_runs, self._lowest(residuals), _SPREAD_LIMITS_WITHOUT_RUNS[0])
        highest = where(of_runs, _SPREAD_LIMITS[1], _SPREAD_LIMITS_WITHOUT_RUNS[1])
        self.spread.learn_variance(residuals.plain, gain, (lowest, highest), ready)
        self.spread.learn_wander(residuals.plain / np.sqrt(self.spread.variance), ready)
        self.rate.learn(day, residuals.rate, gain, self.days, ready)
        self._follow(day, ready)

    def rebase(self, series: Flags) -> None:
        """Make the last week the new normal of some series: a step, not a drift."""
        if not series.any():
            return
        self._levels.scale(series, self.level.rebase(series))
        self._rates.scale(series, self.rate.rebase(series))
        self.spread.settle(series)

    def forget_drift(self, series: Flags) -> None:
        """Watch some series for drifts anew."""
        if not series.any():
            return
        self._levels.restart(series)
        self._rates.restart(series)

    def _lowest(self, residuals: Residuals) -> Floats:
        """Return the lowest spread: of schedules the lower, the less of the variance is that of runs."""
        lowest = np.full(len(residuals.expected), _SPREAD_LIMITS[0])
        chosen = positions(residuals.dispersion < 1.0)
        usual = residuals.variance[chosen] / self.spread.variance[chosen]
        share = np.minimum((DAY_SHARE * residuals.expected[chosen]) ** 2 / usual, 1.0)
        lowest[chosen] += (_LOWEST_OF_SHARE - _SPREAD_LIMITS[0]) * share
        return lowest

    def _per_run_varying(self, per_run: Floats, dispersion: Floats) -> Floats:
        """Return the variance of a day per usage: of the runs' costs, and of their number where that is random."""
        varying = per_run.copy()
        chosen = positions((dispersion < 1.0) & (self._runs > 0))
        mean = self._usage[chosen] / self._runs[chosen]
        of_runs = _SKEWED * np.maximum(per_run[chosen] - mean, 0.0)
        varying[chosen] = self._repetition.least(of_runs, chosen) + dispersion[chosen] * mean
        return varying

    def _begin(self, day: Day, begun: Flags) -> None:
        if begun.any():
            # The week before counts as a usual one.
            usual = self.level.begin(begun, self.schedule.dispersion(day)[begun])
            self._week[:2, :, begun] = usual
            self._week[2][:, begun] = day_variance(usual, self.per_run[begun], self.level.level[begun])

    def _learn_squares(self, day: Day) -> None:
        """Learn the squared usage of runs; the first weeks count alike, afterwards old days fade."""
        if day.squares is None:
            return
        settled = (self._usage > 0) & (self.days > _SUMS_SETTLE_AFTER)
        usual = self.per_run * np.maximum(day.usage, self.level.level)
        squares = np.minimum(day.squares, where(settled, _MOST_SQUARES * usual, np.inf))
        kept = where(self.days < _SUMS_FORGET_AFTER, 1.0, 1.0 - _SPREAD_GAIN)
        # Usage without squares means that the squares of the day are not known.
        learning = day.known & ((day.squares > 0) | (day.usage <= 0))
        self._squares = where(learning, self._squares * kept + squares, self._squares)
        self._usage = where(learning, self._usage * kept + day.usage, self._usage)
        self._per_run_known = np.asarray((self._squares > 0) & (self._usage > 0))
        self._per_run = self._squares / where(self._per_run_known, self._usage, 1.0)
        if day.runs is not None:
            self._runs = where(learning, self._runs * kept + day.runs, self._runs)

    def _follow(self, day: Day, ready: Flags) -> None:
        """Append level and rate to the courses that drifts are measured on."""
        per_run, level = self.per_run, self.level.level
        of_day = day_variance(level, per_run, level) * self.spread.variance * self.spread.wander
        self._levels.append(level, of_day, ready)
        if day.runs is not None and not day.part:
            self._rates.append(self.rate.rate[0], self.rate.variance_of_rate(per_run), ready & (day.runs > 0))
