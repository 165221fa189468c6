"""Correlations of every pair of rows of two matrices at several lags, and how likely the largest one is by chance.

The meaning of the rows, and which pairs are worth comparing, is `correlation`'s subject.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.correlation.statistics import Floats, Integers, two_sided

# Shifts at least this far beyond every lag compare unrelated parts of the series.
_APART = 15
_FEWEST_SHIFTS, _FEWEST_DAYS = 30, 30


@dataclass(frozen=True)
class Peaks:
    """The largest correlation of each pair [left × right]: at which `lag`, how large (`r`), over how many `days`."""

    lag: Integers
    r: Floats
    days: Integers
    p_value: Floats


def largest_correlations(left: Floats, right: Floats, largest_lag: int) -> Peaks:
    """Return the correlation that is largest in size over the lags −largest_lag … largest_lag, and its p-value.

    In: two matrices over the same days, NaN where a value is not known; a positive lag is that of `right` behind
    `left`. The p-value is that of Pearson's r (Student's t) for all lags together (Šidák), two-sided. Its degrees of
    freedom come from a permutation: `right` is shifted in a circle by every number of days beyond the lags, which
    keeps each series' own rhythm and tails and breaks what the two have in common; the number of
    days is divided by the factor by which their squares exceed 1 / days (Bartlett's effective sample size, measured).
    """
    left_side, right_side = _Side.of(left), _Side.of(right)
    lags = range(-largest_lag, largest_lag + 1)
    at_lags = [_correlations(left_side, right_side, lag) for lag in lags]
    r, days = (np.stack(matrices, axis=2) for matrices in zip(*at_lags, strict=True))
    peak = np.abs(r).argmax(axis=2)[:, :, None]
    top = np.take_along_axis(r, peak, axis=2)[:, :, 0]
    shared = np.take_along_axis(days, peak, axis=2)[:, :, 0]
    freedom = np.maximum(shared / _inflation(left_side, right_side, largest_lag) - 2, 1.0)
    student = np.abs(top) * np.sqrt(freedom / np.maximum(1 - top**2, 1e-12))
    single = two_sided(student, freedom)
    # log1p and expm1 keep small probabilities exact.
    together = -np.expm1(len(lags) * np.log1p(-np.minimum(single, 1 - 1e-12)))
    return Peaks(peak[:, :, 0] - largest_lag, top, np.rint(shared).astype(np.int64), together)


@dataclass(frozen=True)
class _Side:
    """Centred rows with zeros in the gaps, and 1.0 where a day is known."""

    values: Floats
    known: Floats

    @classmethod
    def of(cls, values: Floats) -> "_Side":
        known = ~np.isnan(values)
        filled = np.where(known, values, 0.0)
        mean = filled.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        return cls(np.where(known, filled - mean[:, None], 0.0), known.astype(np.float64))


def _correlations(left: _Side, right: _Side, lag: int, *, circle: bool = False) -> tuple[Floats, Floats]:
    """Return r and the number of common days of all pairs, with `right` that many days later."""
    days = left.values.shape[1]
    if circle:
        values, known = np.roll(right.values, -lag, axis=1), np.roll(right.known, -lag, axis=1)
        left_values, left_known = left.values, left.known
    else:
        here = slice(max(0, -lag), max(0, days - max(0, lag)))
        later = slice(max(0, lag), max(0, days - max(0, -lag)))
        values, known = right.values[:, later], right.known[:, later]
        left_values, left_known = left.values[:, here], left.known[:, here]
    spread = (left_values**2 @ known.T) * (left_known @ (values**2).T)
    r = np.divide(left_values @ values.T, np.sqrt(spread), out=np.zeros_like(spread), where=spread > 0)
    return np.clip(r, -1.0, 1.0), left_known @ known.T


def _inflation(left: _Side, right: _Side, largest_lag: int) -> Floats:
    """The factor, at least 1, by which squared correlations of shifted pairs exceed those of independent days."""
    days = left.values.shape[1]
    total, count = np.zeros((len(left.values), len(right.values))), np.zeros((len(left.values), len(right.values)))
    for shift in range(largest_lag + _APART, days - largest_lag - _APART + 1):
        r, shared = _correlations(left, right, shift, circle=True)
        enough = shared >= _FEWEST_DAYS
        total += np.where(enough, shared * r**2, 0.0)
        count += enough
    measured = np.divide(total, count, out=np.ones_like(total), where=count >= _FEWEST_SHIFTS)
    return np.maximum(measured, 1.0)
