"""Robust statistics of rows of a matrix that has gaps (NaN): medians, scales, moving means, autoregressions.

Costs and calendars do not belong here. SciPy is imported where it is called: it takes as long as Dagster, and each
step of a run may be a process of its own.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

# The standard deviation of normal values over their median absolute deviation.
_NORMAL = 1.4826


def medians(values: Floats, otherwise: float = np.nan) -> Floats:
    """Return the median of the known values along the last axis; `otherwise` where none is known."""
    ordered = np.sort(values, axis=-1)
    count = (~np.isnan(values)).sum(axis=-1)
    places = np.stack([np.maximum(count - 1, 0) // 2, np.minimum(count // 2, np.maximum(count - 1, 0))], axis=-1)
    middle = np.take_along_axis(ordered, places, axis=-1).mean(axis=-1)
    return np.asarray(np.where(count > 0, middle, otherwise))


def robust_scale(values: Floats) -> Floats:
    """Return the median absolute deviation of each row, as a standard deviation of normal values; NaN if unknown."""
    return _NORMAL * medians(np.abs(values - medians(values)[:, None]))


def winsorised(values: Floats, limit: float) -> Floats:
    """Return the rows centred on their median and cut off at `limit` robust standard deviations."""
    bound = limit * robust_scale(values)[:, None]
    return np.clip(values - medians(values)[:, None], -bound, bound)


def student_above(student: Floats, freedom: Floats) -> Floats:
    """Return the probability that Student's t is above these values."""
    from scipy.special import stdtr

    return np.asarray(stdtr(freedom, -student))


def false_discovery_rates(p_value: Floats, tested: Flags) -> Floats:
    """Return the q-values of the tested ones (Benjamini & Hochberg 1995); NaN for the others.

    As `scipy.stats.false_discovery_control` does, which takes a second of a processor to import.
    """
    tested_p = p_value[tested]
    count, ascending = len(tested_p), np.argsort(tested_p)
    scaled = tested_p[ascending] * (count / np.arange(1, count + 1))
    rates = np.empty(count)
    rates[ascending] = np.minimum.accumulate(scaled[::-1])[::-1]
    q_value = np.full(len(tested), np.nan)
    q_value[tested] = np.clip(rates, 0.0, 1.0)
    return q_value


def moving_mean(values: Floats, days: int) -> Floats:
    """Return the mean of the known values in a window of `days` (odd) around each; 0 where none is known."""
    known = ~np.isnan(values)
    sums, counts = _moving_sum(np.where(known, values, 0.0), days), _moving_sum(known.astype(np.float64), days)
    return sums / np.maximum(counts, 1.0)


def interpolated(values: Floats) -> Floats:
    """Return the rows with gaps filled by straight lines, at the ends by the nearest value; 0 if none is known."""
    known = ~np.isnan(values)
    at = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    last = values.shape[1] - 1
    before = np.maximum.accumulate(np.where(known, at, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, at, last + 1)[:, ::-1], axis=1)[:, ::-1]
    left = np.where(before >= 0, before, np.minimum(after, last))
    right = np.where(after <= last, after, np.maximum(before, 0))
    filled = np.where(known, values, 0.0)
    from_left, from_right = np.take_along_axis(filled, left, 1), np.take_along_axis(filled, right, 1)
    share = (at - left) / np.maximum(right - left, 1)
    return np.asarray(from_left + (from_right - from_left) * np.clip(share, 0.0, 1.0))


def autoregression(values: Floats, largest: int) -> Floats:
    """Return the coefficients [rows × largest] of each row's autoregression, zeros beyond the order that AIC prefers.

    Yule-Walker equations, solved by the Levinson-Durbin recursion (Brockwell & Davis, Time Series: Theory and
    Methods, section 8.2), for all rows at once.
    """
    rows, days = values.shape
    centred = values - values.mean(axis=1, keepdims=True)
    covariance = np.stack(
        [(centred[:, lag:] * centred[:, : max(0, days - lag)]).sum(axis=1) for lag in range(largest + 1)], 1
    )
    variance = np.where(covariance[:, 0] > 0, covariance[:, 0], 1.0)
    coefficients, best = np.zeros((rows, largest)), days * np.log(variance)
    order = np.zeros((rows, 0))
    for lag in range(1, largest + 1):
        partial = (covariance[:, lag] - (order * covariance[:, lag - 1 : 0 : -1]).sum(axis=1)) / variance
        order = np.concatenate([order - partial[:, None] * order[:, ::-1], partial[:, None]], axis=1)
        # A row that is predicted completely keeps a variance above 0, which can be divided by.
        variance = variance * np.maximum(1.0 - partial**2, 1e-12)
        criterion = days * np.log(variance) + 2 * lag
        better = criterion < best
        best = np.where(better, criterion, best)
        coefficients[better] = 0.0
        coefficients[better, :lag] = order[better]
    return coefficients


def filtered(values: Floats, coefficients: Floats) -> Floats:
    """Return the residuals of an autoregression; values before the first day count as 0."""
    left = values.copy()
    for lag in range(1, coefficients.shape[1] + 1):
        left[:, lag:] -= coefficients[:, lag - 1 : lag] * values[:, :-lag]
    return left


def _moving_sum(values: Floats, days: int) -> Floats:
    half = days // 2
    sums = np.cumsum(np.pad(values, ((0, 0), (half + 1, half))), axis=1)
    return sums[:, days:] - sums[:, :-days]
