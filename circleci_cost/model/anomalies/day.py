"""One day of many series, what was expected of it, and how far off it was: the shapes that the detector's parts share.

No estimate is made here: levels are `level`'s, rates `rate`'s, spreads `spread`'s.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.forecast.panel import Flags, Floats

WEEKEND = 5
TINY = 1e-12


@dataclass(frozen=True)
class Day:
    """One day of all series. Where `known` is false, the numbers are 0. `runs` and `squares` may not be given."""

    weekday: int
    special: bool
    known: Flags
    usage: Floats
    runs: Floats | None
    squares: Floats | None

    @property
    def part(self) -> int:
        """0 on working days, 1 on weekends: usage per run differs between what people and what schedules start."""
        return int(self.weekday >= WEEKEND)


@dataclass(frozen=True)
class RateResiduals:
    """A day's usage against what its runs usually use, in standard deviations; 0 but for the `rated` series.

    `of_day` is what is judged, `plain` knows no spread yet, `variance` is that of the usage of so many runs.
    """

    rated: Flags
    of_day: Floats
    plain: Floats
    variance: Floats


@dataclass(frozen=True)
class Residuals:
    """A day against its expectation: `expected` and `variance` of its usage, and residuals in standard deviations.

    They are of the day, of it and the day before (`of_pair`), and of the last seven (`of_week`), by which `sparse`
    series are judged. `plain` knows no spread yet.
    """

    expected: Floats
    variance: Floats
    of_day: Floats
    of_pair: Floats
    of_week: Floats
    plain: Floats
    sparse: Flags
    rate: RateResiduals


def append_known(recent: Floats, values: Floats, known: Flags) -> None:
    """Push the known values into the last ones of their series [series × last]."""
    chosen = np.flatnonzero(known & ~np.isnan(values))
    recent[chosen, :-1] = recent[chosen, 1:]
    recent[chosen, -1] = values[chosen]


def median_of_known(recent: Floats) -> Floats:
    """The median of each row's known values; NaN where there is none."""
    known = ~np.isnan(recent).all(axis=1)
    middle = np.full(len(recent), np.nan)
    middle[known] = np.nanmedian(recent[known], axis=1)
    return middle
