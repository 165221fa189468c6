"""Correlations of rows of two matrices at several lags, and how likely the most telling one is by chance.

The meaning of the rows, and which pairs are worth comparing, is `correlation`'s subject.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.correlation.statistics import Floats, Integers, student_above

# Shifts at least this far beyond every lag compare unrelated parts of the series.
_APART = 15
_FEWEST_SHIFTS, _FEWEST_DAYS = 30, 30
# Costs are booked on the day of the usage or soon after, and rise with it. Of the chance of a false finding so much is
# spent on correlations above 0, and on a lag of n days the (n + 1)-th part of that on none. Chance alone is as often
# below 0 and at the longest lags: at equal weights two thirds of the false findings were of that kind.
_ABOVE_ZERO = 0.8
_TINY = 1e-9


@dataclass(frozen=True)
class Peaks:
    """The correlation of each pair [left × right] that says most: its `lag`, its size `r`, its number of `days`."""

    lag: Integers
    r: Floats
    days: Integers
    p_value: Floats


def largest_correlations(left: Floats, right: Floats, largest_lag: int) -> Peaks:
    """Return the correlation that says most over the lags −largest_lag … largest_lag, and its p-value.

    In: `right` [right × days] and `left`, either [left × days] or prepared for each right [right × left × days], NaN
    where a value is not known; a positive lag is that of `right` behind `left`. The p-value is that of Pearson's r
    (Student's t), one-sided and divided by the weight of its sign and lag; the least one counts, for all lags and both
    signs together (Šidák, with weights as by Genovese, Roeder and Wasserman 2006). The degrees of freedom come from a
    permutation: `right` is shifted in a circle by every number of days beyond the lags, which keeps each series' own
    rhythm and tails and breaks what the two have in common; the number of days is divided by the factor by which their
    squares exceed 1 / days (Bartlett's effective sample size, measured).
    """
    left_side, right_side = _Side.of(left if left.ndim == 3 else left[None]), _Side.of(right)
    lags = np.arange(-largest_lag, largest_lag + 1)
    at_lags = [_correlations(left_side, right_side, int(lag)) for lag in lags]
    r, days = (np.stack(matrices) for matrices in zip(*at_lags, strict=True))
    freedom = np.maximum(days / _inflation(left_side, right_side, largest_lag) - 2, 1.0)
    above = student_above(r * np.sqrt(freedom / np.maximum(1 - r**2, 1e-12)), freedom)
    of_lag = 1.0 / (1.0 + np.abs(lags))
    of_lag /= of_lag.sum()
    # Either sign of a lag excludes the other.
    weighted = np.minimum(above / _ABOVE_ZERO, (1.0 - above) / (1.0 - _ABOVE_ZERO)) / of_lag[:, None, None]
    peak = weighted.argmin(axis=0)[None]
    least = np.take_along_axis(weighted, peak, axis=0)
    # log1p and expm1 keep small probabilities exact.
    chances = np.minimum(of_lag[:, None, None] * least, 1 - 1e-12)
    together = -np.expm1(np.log1p(-chances).sum(axis=0))
    shared, top = (np.take_along_axis(values, peak, axis=0)[0] for values in (days, r))
    return Peaks((peak[0] - largest_lag).T, top.T, np.rint(shared).astype(np.int64).T, together.T)


@dataclass(frozen=True)
class _Side:
    """Centred rows with zeros in the gaps, and 1.0 where a day is known."""

    values: Floats
    known: Floats

    @classmethod
    def of(cls, values: Floats) -> "_Side":
        known = ~np.isnan(values)
        filled = np.where(known, values, 0.0)
        mean = filled.sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)
        return cls(np.where(known, filled - mean[..., None], 0.0), known.astype(np.float64))


def _correlations(left: _Side, right: _Side, lag: int) -> tuple[Floats, Floats]:
    """Return r and the number of common days of all pairs [right × left], with `right` that many days later."""
    days = right.values.shape[1]
    here = slice(max(0, -lag), max(0, days - max(0, lag)))
    later = slice(max(0, lag), max(0, days - max(0, -lag)))
    values, known = left.values[..., here], left.known[..., here]
    right_values, right_known = right.values[:, later, None], right.known[:, later, None]
    product, squares, right_squares, shared = (
        np.matmul(one, other)[..., 0]
        for one, other in (
            (values, right_values),
            (values**2, right_known),
            (known, right_values**2),
            (known, right_known),
        )
    )
    return _ratio(product, squares * right_squares), shared


def _inflation(left: _Side, right: _Side, largest_lag: int) -> Floats:
    """The factor, at least 1, by which squared correlations of shifted pairs exceed those of independent days."""
    days = right.values.shape[1]
    shifts = np.arange(largest_lag + _APART, days - largest_lag - _APART + 1)
    if len(shifts) < _FEWEST_SHIFTS:
        return np.ones((len(right.values), left.values.shape[1]))
    waves = [np.conj(np.fft.rfft(part)) for part in (left.values, left.values**2, left.known)]
    others = [np.fft.rfft(part)[:, None] for part in (right.values, right.values**2, right.known)]
    # All circular shifts at once: products of the Fourier transforms.
    product, squares, right_squares, shared = (
        np.fft.irfft(waves[one] * others[other], days)[..., shifts] for one, other in ((0, 0), (1, 2), (2, 1), (2, 2))
    )
    shared = np.rint(shared)
    enough = shared >= _FEWEST_DAYS
    count = enough.sum(axis=-1)
    total = np.where(enough, shared * _ratio(product, squares * right_squares) ** 2, 0.0).sum(axis=-1)
    measured = np.divide(total, count, out=np.ones_like(total), where=count >= _FEWEST_SHIFTS)
    return np.asarray(np.maximum(measured, 1.0))


def _ratio(product: Floats, spread: Floats) -> Floats:
    """Correlations; 0 where a side does not vary."""
    varies = spread > _TINY
    return np.clip(np.divide(product, np.sqrt(np.where(varies, spread, 1.0)), where=varies, out=0.0 * product), -1, 1)
