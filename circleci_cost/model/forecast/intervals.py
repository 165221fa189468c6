"""The errors of past forecasts, and from them the quantiles of the next one.

Errors are divided by the size expected from the scatter of single days, so that series of any size can be pooled. Only
errors of forecasts whose days had all passed are used, so that a quantile never knows its answer. Making forecasts is
the job of `methods`.
"""

from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from circleci_cost.model.forecast.methods import Outlook
from circleci_cost.model.forecast.panel import Flags, Floats, Integers

LEVELS = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4),
    *(0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99, 0.995),
)
"""The probabilities whose quantiles are kept; the tenth, the middle and the others of the tables are among them."""

MEDIAN = LEVELS.index(0.5)

# How far a level wanders in about three weeks, as a share; it is larger for series too young to measure it.
_WANDERING, _WANDERING_UNKNOWN, _WANDERING_DAYS = 0.08, 0.35, 20
# A series without cost for eight weeks may come back: this share of its former level is kept possible.
_DORMANT = 0.05
# Independent windows with which a series counts as much as all others, and all series as much as the prior.
_OWN_WINDOWS, _PRIOR_WINDOWS = 4.0, 1.5
_PRIOR_SQUARE = 1.0
_LARGEST_SQUARE = 25.0
# The assumed shape of errors: Student's t of three degrees of freedom, by two terms of its expansion about the normal
# distribution. It counts as much as one and a half independent windows in time, and as thirty errors at least. With
# five degrees and twenty errors 95 % ranges held in 91 to 92 % of the months of nine real series.
_NORMAL = np.array([NormalDist().inv_cdf((rank + 0.5) / 80) for rank in range(80)])
_PRIOR_SHAPE = _NORMAL * (1.0 + (_NORMAL**2 + 1.0) / 12.0 + (5.0 * _NORMAL**4 + 16.0 * _NORMAL**2 + 3.0) / (96.0 * 9.0))
_PRIOR_SHAPE_WINDOWS, _PRIOR_LEAST = 1.5, 30
_POOL_SIZE = 40_000


@dataclass(frozen=True)
class Errors:
    """Standardised errors [cut × series] of forecasts over `horizon` days made at `cuts`; NaN where there is none.

    `weight` is the number of independent windows per cut: windows that begin every few days overlap.
    """

    cuts: Integers
    horizon: int
    values: Floats
    weight: float

    @property
    def passed(self) -> Integers:
        """For each cut, the number of earlier cuts whose days had all passed."""
        return self.known_at(self.cuts)

    def known_at(self, cut: Integers) -> Integers:
        """The number of cuts whose days had all passed on day `cut`."""
        return np.searchsorted(self.cuts + self.horizon, cut, side="right")


@dataclass(frozen=True)
class Calibration:
    """Errors divided by each series' own size, from which quantiles can be taken on any day.

    `size` [cut + 1 × series] is the size after that many cuts, `shapes` [cut × series] the errors relative to the size
    known then. `running` [cut + 1 × series] marks the series to learn from: those with an error at the last cut. Series
    that came to rest long ago say little about them.
    """

    errors: Errors
    size: Floats
    shapes: Floats
    running: Flags

    def quantiles(self, cut: int) -> tuple[Floats, Floats]:
        """Return the size by series and the shape by `LEVELS` as known on day `cut`; the median of the shape is 0."""
        known = int(self.errors.known_at(np.array(cut)))
        # The sizes of the first quarter were still mostly assumed.
        shapes = self.shapes[known // 4 : known, self.running[known]]
        shapes = shapes[~np.isnan(shapes)]
        shapes = shapes[:: max(1, len(shapes) // _POOL_SIZE)]
        count = max(_PRIOR_LEAST, round(_PRIOR_SHAPE_WINDOWS * len(shapes) / max(known * self.errors.weight, 1.0)))
        values = np.quantile(np.concatenate([shapes, _prior(count)]), LEVELS)
        values[: MEDIAN + 1] = np.minimum(values[: MEDIAN + 1], 0.0)
        values[MEDIAN:] = np.maximum(values[MEDIAN:], 0.0)
        values[MEDIAN] = 0.0
        return self.size[known], values


@lru_cache(maxsize=64)
def _prior(count: int) -> Floats:
    """Return as many errors as the assumed shape has them."""
    return np.asarray(np.quantile(_PRIOR_SHAPE, (np.arange(count) + 0.5) / count))


def calibrate(errors: Errors) -> Calibration:
    """Estimate each series' errors relative to the expected, shrunk towards all series, without looking ahead."""
    present = ~np.isnan(errors.values)
    squares = np.where(present, np.minimum(errors.values**2, _LARGEST_SQUARE), 0.0)
    start = np.zeros((1, errors.values.shape[1]))
    total = np.concatenate([start, np.cumsum(squares, axis=0)]) * errors.weight
    count = np.concatenate([start, np.cumsum(present, axis=0)]) * errors.weight
    # Series err together on the same days, so that many series do not add windows in time.
    windows = np.arange(len(count)) * errors.weight
    none = np.zeros_like(start, dtype=np.bool_)
    running = np.concatenate([none, present])
    ever = np.concatenate([none, np.logical_or.accumulate(present)])
    running = np.where(running.any(axis=1, keepdims=True), running, ever)
    mean = (total * running).sum(axis=1) / np.maximum((count * running).sum(axis=1), errors.weight)
    pooled = (_PRIOR_WINDOWS * _PRIOR_SQUARE + windows * mean) / (_PRIOR_WINDOWS + windows)
    size = np.sqrt((_OWN_WINDOWS * pooled[:, None] + total) / (_OWN_WINDOWS + count))
    return Calibration(errors, size, errors.values / size[errors.passed], running)


def expected_error_of_sum(outlook: Outlook, days: int, minimum_days: int) -> Floats:
    """Return the expected error of a sum of `days` days [cut × series]: scatter, an uncertain level, its wandering."""
    level = np.maximum(outlook.level, _DORMANT * outlook.former)
    return np.asarray(
        np.sqrt(
            outlook.scatter**2 * (days + days**2 / np.clip(outlook.seen, 1, 28))
            + (_wandering(outlook, minimum_days) * days * level) ** 2 * max(1.0, days / _WANDERING_DAYS)
        )
    )


def expected_error_of_day(outlook: Outlook, path: Floats, leads: Integers, minimum_days: int) -> Floats:
    """Return the expected error of single days [cut × series × lead]; a day scatters with the root of its cost."""
    level = np.maximum(outlook.level, _DORMANT * outlook.former)[:, :, None]
    share = np.divide(path, level, out=np.ones_like(path), where=level > 0)
    distance = np.maximum(1.0, leads / _WANDERING_DAYS)
    return np.asarray(
        np.sqrt(
            outlook.scatter[:, :, None] ** 2 * (0.05 + share)
            + (_wandering(outlook, minimum_days)[:, :, None] * np.maximum(path, _DORMANT * level)) ** 2 * distance
        )
    )


def _wandering(outlook: Outlook, minimum_days: int) -> Floats:
    return np.where(outlook.seen < minimum_days, _WANDERING_UNKNOWN, _WANDERING)


def probability_above(quantiles: Floats, limit: Floats) -> Floats:
    """Return P(value > limit) by row, from non-decreasing `quantiles` [row × `LEVELS`] of a value of at least 0.

    Linear between the quantiles, and beyond the last one falling exponentially.
    """
    levels = np.array(LEVELS)
    rows = np.arange(len(quantiles))
    below = (quantiles <= limit[:, None]).sum(axis=1)
    left, right = np.clip(below - 1, 0, None), np.clip(below, None, len(levels) - 1)
    lower = np.where(below == 0, 0.0, quantiles[rows, left])
    lower_level = np.where(below == 0, 0.0, levels[left])
    width = quantiles[rows, right] - lower
    share = np.divide(limit - lower, width, out=np.zeros(len(limit)), where=width > 0)
    inside = 1.0 - lower_level - share * (levels[right] - lower_level)
    tail = (quantiles[:, -1] - quantiles[:, -3]) / np.log((1.0 - levels[-3]) / (1.0 - levels[-1]))
    beyond = np.divide(limit - quantiles[:, -1], tail, out=np.full(len(limit), np.inf), where=tail > 0)
    outside = (1.0 - levels[-1]) * np.exp(-np.maximum(beyond, 0.0))
    return np.where(limit < 0, 1.0, np.where(below == len(levels), outside, inside))
