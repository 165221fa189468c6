"""Usage per run of each series, which distinguishes dearer runs from more runs on the day itself.

Working days and weekends are kept apart. How much usage varies belongs in `spread`.
"""

import numpy as np

from circleci_cost.model.anomalies.day import TINY, Day, RateResiduals, Recent
from circleci_cost.model.anomalies.residuals import cut_off, rate_variance, root_residual, where
from circleci_cost.model.anomalies.spread import Spread
from circleci_cost.model.forecast.panel import Flags, Floats

RATE_GAIN = 0.04
_RUNS_GAIN = 0.05
_HUBER = 2.0
_SPREAD_LIMITS = (0.6, 25.0)
# A rate is known after this many days with runs; residuals of days with very few runs are cut off.
_FIRST_DAYS, _FEW_RUNS, _FEW_CUT = 4, 3, 2.0
_RECENT = 7


class Rate:
    """Usage per run [2 × series] on working days and weekends, and the usual number of `runs` of a day."""

    def __init__(self, series: int) -> None:
        """Start with nothing learned."""
        self.rate = np.zeros((2, series))
        self.runs = np.zeros(series)
        self.spread = Spread(series)
        self._days = np.zeros((2, series))
        self._recent = Recent(series, _RECENT)

    def residuals(self, day: Day, per_run: Floats, giant: Floats) -> RateResiduals:
        """Compare a day's usage with the usual usage of its runs; `giant` widens the variance for giant runs."""
        runs = day.runs if day.runs is not None else np.zeros(len(per_run))
        rate = self.rate[day.part]
        rated = np.asarray((runs > 0) & (rate > 0) & (self._days[day.part] >= _FIRST_DAYS))
        expected, usual = runs * rate, rate_variance(runs, rate, per_run)
        variance = usual * self.spread.variance
        residual = root_residual(day.usage, expected, variance * giant)
        residual = where(runs < _FEW_RUNS, cut_off(residual, _FEW_CUT), residual)
        plain = root_residual(day.usage, expected, usual)
        return RateResiduals(rated, where(rated, residual, 0.0), where(rated, plain, 0.0), variance)

    def learn(self, day: Day, residuals: RateResiduals, gain: Floats, days: Floats, learning: Flags) -> None:
        """Learn the rate, its spread and the usual runs; `gain` is that of the spread, `days` how many were learned."""
        if day.runs is None:
            return
        rated = learning & residuals.rated
        self.spread.learn_variance(residuals.plain, gain, _SPREAD_LIMITS, rated)
        self.spread.learn_wander(residuals.of_day, rated)
        ran = day.known & (day.runs > 0)
        rate, seen_days = self.rate[day.part], self._days[day.part]
        seen = day.usage / np.maximum(day.runs, 1)
        weight = np.minimum(1.0, day.runs / np.maximum(self.runs, TINY))
        moved = cut_off(residuals.of_day, _HUBER) * np.sqrt(residuals.variance) / np.maximum(day.runs, 1)
        learned = where(
            seen_days <= _FIRST_DAYS,
            rate + (seen - rate) / (seen_days + 1),
            np.maximum(rate + RATE_GAIN * weight * moved, 0.0),
        )
        compared = ran & (rate > 0)
        self._recent.append(compared, seen / where(compared, rate, 1.0))
        self.rate[day.part] = where(ran, learned, rate)
        self._days[day.part] += ran
        runs = self.runs + np.maximum(_RUNS_GAIN, 1.0 / days.clip(1)) * (day.runs - self.runs)
        self.runs = where(day.known, runs, self.runs)

    def variance_of_rate(self, per_run: Floats) -> Floats:
        """The variance of a working day's usage per run."""
        runs = np.maximum(self.runs, 1.0)
        usual = rate_variance(runs, self.rate[0], per_run) / runs**2
        return np.asarray(usual * self.spread.variance * self.spread.wander)

    def rebase(self, series: Flags) -> Floats:
        """Make the last week the new rate of some series; return the factors of the steps."""
        median = self._recent.medians(series)
        factor = where(np.isnan(median), 1.0, median)
        self.rate[:, series] *= factor
        self.spread.settle(series)
        return factor
