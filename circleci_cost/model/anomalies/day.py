"""One day of many series, its residuals, and the last values of each series: what the parts of the detector share.

Estimating is left to `level`, `rate` and `spread`.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.anomalies.residuals import positions
from circleci_cost.model.forecast.panel import Flags, Floats, Integers

WEEKEND = 5
TINY = 1e-12


@dataclass(frozen=True)
class Day:
    """One day of all series. Where `known` is false, the numbers are 0. `runs` and `squares` may not be given."""

    weekday: int
    known: Flags
    usage: Floats
    runs: Floats | None
    squares: Floats | None

    @property
    def part(self) -> int:
        """0 on working days, 1 on weekends: runs started by people and runs started by schedules differ in usage."""
        return int(self.weekday >= WEEKEND)


@dataclass(frozen=True)
class RateResiduals:
    """A day's usage against the usual usage of its runs, in standard deviations; 0 for series that are not `rated`.

    `of_day` is judged; `plain` is not yet divided by the spread; `variance` is that of the usage of these runs.
    """

    rated: Flags
    of_day: Floats
    plain: Floats
    variance: Floats


@dataclass(frozen=True)
class Residuals:
    """A day against its expectation: `expected` and `variance` of its usage, and residuals in standard deviations.

    `of_day` covers the day, `of_pair` the day and the one before, `of_week` the last seven days; `sparse` series are
    judged by their week. `plain` is the day's residual, not yet divided by the spread. `of_run` is the usage of a
    typical run, `varying` the variance of a day per usage; `giant` widens variances where single runs were far larger
    than usual; `dispersion` is below 1 where the runs follow a schedule, and `of_runs` is the residual of
    their number (`schedule`). An `irregular` day (a holiday, a monthly batch) is judged by `of_day` alone and teaches
    nothing.
    """

    expected: Floats
    variance: Floats
    of_run: Floats
    varying: Floats
    giant: Floats
    dispersion: Floats
    of_runs: Floats
    of_day: Floats
    of_pair: Floats
    of_week: Floats
    plain: Floats
    sparse: Flags
    irregular: Flags
    rate: RateResiduals


class Recent:
    """The last `days` values of each series, of one or several kinds that are known together, in rings.

    A new value takes the place of the oldest one, so that nothing is moved.

    `values` [kinds × days × series] is in no order of time.
    """

    def __init__(self, series: int, days: int, kinds: int = 1, start: float = np.nan) -> None:
        """Begin with `start` for all values."""
        self.values = np.full((kinds, days, series), start)
        self._flat = self.values.reshape(kinds, days * series)
        # Where the oldest values of each series are.
        self._oldest = np.arange(series)

    def append(self, known: Flags, *values: Floats) -> None:
        """Keep a value of each kind of the series that are known."""
        chosen = positions(known)
        place = self._oldest[chosen]
        for flat, value in zip(self._flat, values, strict=True):
            flat[place] = value[chosen]
        place += len(self._oldest)
        self._oldest[chosen] = np.where(place < self._flat.shape[1], place, place - self._flat.shape[1])

    def oldest(self) -> Floats:
        """Return the oldest value of each kind and series: [kinds × series]."""
        return np.asarray(self._flat[:, self._oldest], dtype=np.float64)

    def in_order(self, series: Integers) -> Floats:
        """Return the values of the first kind of some series, the oldest first: [series × days]."""
        later = np.arange(self.values.shape[1]) * len(self._oldest)
        ordered = self._flat[0][(self._oldest[series][:, None] + later) % self._flat.shape[1]]
        return np.asarray(ordered, dtype=np.float64)

    def medians(self, series: Flags) -> Floats:
        """Return the median of the known values of some series; NaN where there is none."""
        # NumPy's own takes ten times as long for a few rows.
        recent = self.values[0][:, series].T
        known = (~np.isnan(recent)).sum(axis=1)
        # What is not known comes last.
        ordered, row, last = np.sort(recent, axis=1), np.arange(len(recent)), recent.shape[1] - 1
        of_middle = ordered[row, np.maximum(known - 1, 0) // 2] + ordered[row, np.minimum(known // 2, last)]
        return np.where(known > 0, of_middle / 2.0, np.nan)
