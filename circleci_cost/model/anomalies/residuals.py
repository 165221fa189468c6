"""How far a day's usage lies from what was expected, in standard deviations: by day, by week, and per run.

Formulas on arrays [series]. Expectations come from `state`; limits belong in `thresholds`.
"""

import numpy as np
import numpy.typing as npt

from circleci_cost.model.forecast.panel import Flags, Floats, Integers

# Standard deviation of days beyond what single runs explain, as a share of the day's level.
DAY_SHARE = 0.15
RATE_SHARE = 0.03
_TINY = 1e-12
# Below this share of the expectation a residual is logarithmic: a full stop of 100 to 1,000 runs then scores as the
# probability of none in gamma-mixed Poisson numbers does. And the root residual there, relative to the deviations.
_FEW = 0.2
_ROOT_OF_FEW = 2.0 * (np.sqrt(_FEW) - 1.0)
# A run far larger than usual widens the variance of its day by a power of its excess: part of the residual is chance.
_GIANT_POWER = 0.3
_MOST_GIANT = 100.0


def root_residual(value: Floats, expected: Floats, variance: Floats) -> Floats:
    """Return 2 (√value − √expected), scaled to standard deviations near the expectation.

    Sums of few runs are skewed; their roots are nearly normal (the variance-stabilising transformation of Poisson
    counts), so that one threshold serves large and small series.
    """
    base, deviations = _base_and_deviations(expected, variance)
    return np.asarray(2.0 * (np.sqrt(np.maximum(value, 0.0) / base) - 1.0) * deviations)


def day_residual(value: Floats, expected: Floats, variance: Floats, of_run: Floats) -> Floats:
    """Return the root residual, continued by a logarithm below a fifth of the expectation, down to a single run.

    A root ends at 0: a full stop would be as unusual in a series of 1,000 runs a day as in one of 20. Days vary by
    factors; below a fifth the residual falls evenly with the logarithm of the value. `of_run` is the usage of a run.
    """
    base, deviations = _base_and_deviations(expected, variance)
    shares = value / base
    root = 2.0 * (np.sqrt(np.maximum(shares, 0.0)) - 1.0) * deviations
    few = positions(shares < _FEW)
    share = np.maximum(shares[few], np.maximum(of_run[few] / base[few], _TINY)) / _FEW
    lower = deviations[few] * (_ROOT_OF_FEW + np.sqrt(_FEW) * np.minimum(np.log(share), 0.0))
    root[few] = np.minimum(root[few], lower)
    return root


def inverse_day_residual(residual: float, expected: Floats, variance: Floats, of_run: Floats) -> Floats:
    """Return the value that has this residual, at least 0."""
    root = inverse_root_residual(residual, expected, variance)
    base, deviations = _base_and_deviations(expected, variance)
    relative = residual / deviations
    few = positions(relative < _ROOT_OF_FEW)
    lower = _FEW * base[few] * np.exp((relative[few] - _ROOT_OF_FEW) / np.sqrt(_FEW))
    root[few] = where(lower >= of_run[few], lower, root[few])
    return root


def inverse_root_residual(residual: npt.ArrayLike, expected: Floats, variance: Floats) -> Floats:
    """Return the value that has this root residual, at least 0."""
    base = np.maximum(expected, _TINY)
    root = 1.0 + np.asarray(residual) * np.sqrt(np.maximum(variance, 0.0)) / (2.0 * base)
    return np.asarray(base * np.maximum(root, 0.0) ** 2)


def _base_and_deviations(expected: Floats, variance: Floats) -> tuple[Floats, Floats]:
    """Return what is divided by, and how many standard deviations it is."""
    base = np.maximum(expected, _TINY)
    return base, base / np.sqrt(np.maximum(variance, _TINY**2))


def day_variance(expected: Floats, per_run: Floats, level: Floats) -> Floats:
    """Return the variance of a day: that of a sum over a random number of runs, plus small shares squared.

    The variance of a compound Poisson sum is the expected sum of squares, `per_run × expected`.
    """
    return np.asarray(per_run * expected + (DAY_SHARE * expected) ** 2 + (0.001 * level) ** 2)


def rate_variance(runs: Floats, rate: Floats, per_run: Floats) -> Floats:
    """Return the variance of the usage of these runs: runs × the variance of one, plus a small share squared."""
    of_run = np.maximum(per_run * rate - rate**2, 0.02 * rate**2)
    return np.asarray(runs * of_run + (RATE_SHARE * runs * rate) ** 2)


def giant_factor(squares: Floats | None, usage: Floats, per_run: Floats) -> Floats:
    """Return the factor, at least 1, on a day's variance where single runs were far larger than usual."""
    if squares is None:
        return np.ones(len(usage))
    ratio = squares / np.maximum(per_run * usage, _TINY)
    factor, giant = np.ones(len(usage)), positions(ratio > 1.0)
    # A power takes ten times as long as the rest.
    factor[giant] = np.minimum(ratio[giant], _MOST_GIANT) ** _GIANT_POWER
    return factor


def cut_off(residual: Floats, at: float) -> Floats:
    """Return residuals, those beyond `at` standard deviations cut off (Huber's ψ)."""
    return within(residual, -at, at)


def within(value: Floats, low: npt.ArrayLike, high: npt.ArrayLike) -> Floats:
    """`numpy.clip`, which takes longer than its work for some thousand series."""
    return np.asarray(np.minimum(np.maximum(value, low), high))


def where(condition: Flags, value: npt.ArrayLike, otherwise: npt.ArrayLike) -> Floats:
    """`numpy.where` of numbers, with its type."""
    return np.asarray(np.where(condition, value, otherwise), dtype=np.float64)


def positions(flags: npt.NDArray[np.generic]) -> Integers:
    """`numpy.flatnonzero`, which takes longer than its work for some thousand series."""
    return flags.nonzero()[0]
