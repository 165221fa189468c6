"""One day of many series, its expectation and its residuals: the data types that the parts of the detector share.

Estimating is left to `level`, `rate` and `spread`.
"""

from dataclasses import dataclass

from circleci_cost.model.forecast.panel import Flags, Floats

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
