"""What a change of class did to a quantity per run: its ratio, after to before, with an interval.

A regression of the daily means' logarithms on the change, with the weekday and a trend taken out, for all changes at
once. Which days belong to a change is `class_changes`' job.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]

# What is expected of a job without a change, as standard deviations of logarithms: weekdays differ by a tenth, and a
# run's minutes drift by 3 % in four weeks, half as much again in a year. Data that say otherwise win. Measured on
# seeds 1 to 3 of the benchmark `class_changes`: 92 % of the verdicts are right with 10 %, 96 % with 3 %; both intervals
# hold.
_WEEKDAY, _TREND, _TREND_DAYS = 0.1, 0.03, 28.0
# Residuals beyond this many deviations count less: a day on which runs hung is no effect of the class.
_HUBER = 2.0
_ROUNDS = 8
# Seconds are whole and so are credits: no day's mean is more precise than this.
_LEAST_DEVIATION = 0.003
_MOST_CORRELATION = 0.8
# The logarithm of a ratio beyond which nothing is known: a few days that differ a thousandfold have any interval.
_MOST = 20.0
LEVEL = 0.95


class Effects(NamedTuple):
    """Ratios after to before by change, and the bounds that hold with `LEVEL`."""

    ratio: Floats
    low: Floats
    high: Floats


def effects(values: Floats, runs: Floats, days: Floats, weekdays: npt.NDArray[np.int64], after: Flags) -> Effects:
    """The effect of each change on `values`, the daily means per run.

    In: arrays [change × day], padded where `runs` is 0; `days` count from the change's day, `weekdays` are 0 to 6,
    `after` says on which side a day is.
    """
    from scipy.special import stdtrit

    known = runs > 0
    logs = np.log(np.where(known, values, 1.0))
    design = _design(days, weekdays, after, known)
    prior = np.zeros(design.shape[-1])
    prior[2], prior[3:] = _TREND**-2, _WEEKDAY**-2
    mean_runs = runs.sum(axis=1, keepdims=True) / np.maximum(1, known.sum(axis=1, keepdims=True))
    # Half of the usual scatter of a day is that of its runs, half that of the day.
    weights = np.where(known, 2 * runs / np.maximum(1, runs + mean_runs), 0.0)
    counts = known.sum(axis=1)
    freedom = np.maximum(1.0, counts - 2.0)
    variance = np.full(len(runs), 0.1**2)
    trusted = weights
    for _ in range(_ROUNDS):
        coefficients, covariance = _fitted(design, logs, trusted, variance, prior)
        residuals = np.where(known, logs - np.einsum("mtp,mp->mt", design, coefficients), 0.0)
        scaled = np.abs(residuals) * np.sqrt(weights)
        deviation = np.maximum(_LEAST_DEVIATION, 1.4826 * _median(scaled, known))
        trusted = weights * np.minimum(1.0, _HUBER * deviation[:, None] / np.maximum(scaled, 1e-12))
        variance = np.maximum(_LEAST_DEVIATION**2, (trusted * residuals**2).sum(axis=1) / freedom)
    spread = np.sqrt(covariance[:, 1, 1] * _inflation(residuals * np.sqrt(trusted)))
    margin = stdtrit(freedom, (1 + LEVEL) / 2) * spread
    step = coefficients[:, 1]
    return Effects(*(np.exp(np.clip(bound, -_MOST, _MOST)) for bound in (step, step - margin, step + margin)))


def _design(days: Floats, weekdays: npt.NDArray[np.int64], after: Flags, known: Flags) -> Floats:
    columns = [np.ones_like(days), after.astype(np.float64), days / _TREND_DAYS]
    columns += [(weekdays == weekday).astype(np.float64) for weekday in range(7)]
    return np.where(known[..., None], np.stack(columns, axis=-1), 0.0)


def _fitted(design: Floats, logs: Floats, weights: Floats, variance: Floats, prior: Floats) -> tuple[Floats, Floats]:
    """The coefficients and their covariance; `prior` are precisions, 0 for what is not known before."""
    weighted = design * weights[..., None]
    # A change without a day on one side has no step; the smallest ridge keeps its equations solvable.
    precision = np.einsum("mtp,mtq->mpq", weighted, design) / variance[:, None, None]
    precision += np.diag(prior + 1e-6)
    covariance = np.linalg.inv(precision)
    moments = np.einsum("mtp,mt->mp", weighted, logs) / variance[:, None]
    return np.einsum("mpq,mq->mp", covariance, moments), covariance


def _median(values: Floats, known: Flags) -> Floats:
    # Without any day, the median is 0.
    counted = known | ~known.any(axis=1, keepdims=True)
    return np.asarray(np.nanmedian(np.where(counted, values, np.nan), axis=1), dtype=np.float64)


def _inflation(residuals: Floats) -> Floats:
    """How much larger the variance is because a day resembles the one before it; at least 1."""
    squares = np.maximum(1e-12, (residuals**2).sum(axis=1))
    correlation = np.clip((residuals[:, 1:] * residuals[:, :-1]).sum(axis=1) / squares, 0.0, _MOST_CORRELATION)
    return np.asarray((1 + correlation) / (1 - correlation), dtype=np.float64)
