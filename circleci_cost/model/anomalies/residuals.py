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
# Nearer to 1 a dispersion is that of random (Poisson) numbers.
_NEAR = 1e-6
# A stop keeps at least this share of its root residual: a schedule is surer than the binomial numbers that its counts
# would speak for.
_LEAST_OF_STOP = 0.4
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
    """Return the root residual, bent below the expectation so that of no run at all it is as sure as that is unlikely.

    A root alone takes a day without one of 4 runs for one in 30,000, which is one in 50, and a stop of 1,000 runs for
    as likely as one of 20. `of_run` is the usage of a run.
    """
    base, deviations = _base_and_deviations(expected, variance)
    below = 1.0 - np.sqrt(np.maximum(value, 0.0) / base)
    less = positions(below > 0)
    if len(less):
        bend = _bend(base[less], deviations[less], of_run[less])
        # A parabola up to its vertex, which lies within reach where it is bent most.
        bent = np.minimum(below[less], 0.5 / np.maximum(bend, 0.5))
        below[less] = bent - bend * bent**2
    return np.asarray(-2.0 * deviations * below)


def inverse_day_residual(residual: Floats, expected: Floats, variance: Floats, of_run: Floats) -> Floats:
    """Return the value that has this residual, at least 0; 0 where none below the expectation has it."""
    base, deviations = _base_and_deviations(expected, variance)
    bend = _bend(base, deviations, of_run)
    depth = np.maximum(-residual / (2.0 * deviations), 0.0)
    reached = 4.0 * bend * depth <= 1.0
    root = np.sqrt(np.maximum(1.0 - 4.0 * bend * depth, 0.0))
    below = where(reached, 2.0 * depth / (1.0 + root), 1.0)
    return np.asarray(base * np.maximum(1.0 - below, 0.0) ** 2)


def _bend(base: Floats, deviations: Floats, of_run: Floats) -> Floats:
    """Return by how much less than the root residual a stop is surprising, as a share of it; negative where more.

    The numbers of runs are binomial, Poisson or negative binomial, as their variance over their mean says: none of them
    has the probability dispersion ** (-runs / (dispersion - 1)) in each case.
    """
    runs = base / np.maximum(of_run, _TINY)
    dispersion = np.maximum(runs / deviations**2, _TINY)
    away = dispersion - 1.0
    near = np.abs(away) < _NEAR
    unlikely = runs * np.where(near, 1.0, np.log(dispersion) / np.where(near, 1.0, away))
    # The normal quantile of a small probability, given as its logarithm.
    surprise = np.sqrt(np.maximum(2.0 * unlikely - np.log(np.maximum(4.0 * np.pi * unlikely, 1.0)), 0.0))
    return np.minimum(1.0 - surprise / (2.0 * deviations), 1.0 - _LEAST_OF_STOP)


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
    ratio = squares / np.maximum(per_run * usage, _TINY**2)
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
