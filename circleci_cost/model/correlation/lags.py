"""Correlations of every pair of rows of two matrices at several lags, and how likely the largest one is by chance.

What the rows are, and which of them were worth comparing, is not known here.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.correlation.statistics import Floats, Integers, two_sided

# Shifts by which series are compared in places that have nothing to do with each other: beyond every lag and its echo.
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
    keeps each series' own rhythm and tails and breaks what the two have in common; by as much as the squares of
    these correlations exceed 1 / days, the days count less (Bartlett's effective sample size, measured).
    """
    mine, theirs = _Side.of(left), _Side.of(right)
    lags = range(-largest_lag, largest_lag + 1)
    at_lags = [_correlations(mine, theirs, lag) for lag in lags]
    r, days = (np.stack(each, axis=2) for each in zip(*at_lags, strict=True))
    peak = np.abs(r).argmax(axis=2)[:, :, None]
    top = np.take_along_axis(r, peak, axis=2)[:, :, 0]
    shared = np.take_along_axis(days, peak, axis=2)[:, :, 0]
    freedom = np.maximum(shared / _inflation(mine, theirs, largest_lag) - 2, 1.0)
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


def _correlations(mine: _Side, theirs: _Side, lag: int, *, circle: bool = False) -> tuple[Floats, Floats]:
    """Return r and the number of common days of all pairs, with `theirs` so many days later."""
    days = mine.values.shape[1]
    if circle:
        values, known = np.roll(theirs.values, -lag, axis=1), np.roll(theirs.known, -lag, axis=1)
        own, there = mine.values, mine.known
    else:
        here = slice(max(0, -lag), max(0, days - max(0, lag)))
        later = slice(max(0, lag), max(0, days - max(0, -lag)))
        values, known = theirs.values[:, later], theirs.known[:, later]
        own, there = mine.values[:, here], mine.known[:, here]
    spread = (own**2 @ known.T) * (there @ (values**2).T)
    r = np.divide(own @ values.T, np.sqrt(spread), out=np.zeros_like(spread), where=spread > 0)
    return np.clip(r, -1.0, 1.0), there @ known.T


def _inflation(mine: _Side, theirs: _Side, largest_lag: int) -> Floats:
    """By how much the squared correlations of shifted pairs exceed those of independent days; at least 1."""
    days = mine.values.shape[1]
    total, count = np.zeros((len(mine.values), len(theirs.values))), np.zeros((len(mine.values), len(theirs.values)))
    for shift in range(largest_lag + _APART, days - largest_lag - _APART + 1):
        r, shared = _correlations(mine, theirs, shift, circle=True)
        enough = shared >= _FEWEST_DAYS
        total += np.where(enough, shared * r**2, 0.0)
        count += enough
    measured = np.divide(total, count, out=np.ones_like(total), where=count >= _FEWEST_SHIFTS)
    return np.maximum(measured, 1.0)
