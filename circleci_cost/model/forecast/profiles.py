"""Estimates from the eight weeks before a day: weekday profile, level, shift and trend of many series.

Arrays in, arrays out. A row is a series at one cut: those of one cut follow those of another. Weekdays are positions 0
to 6 of a week that ends on the day of the cut. Combining profiles into forecasts is the job of `methods`.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from circleci_cost.model.forecast.panel import Flags, Floats, Integers, days_between

WEEKS = 8
WINDOW = 7 * WEEKS

# One value above one and a half times the next largest of its weekday is a spike, below half of the next an outage.
_SPIKE, _OUTAGE = 1.5, 0.5
# A profile from fewer weeks than this is mixed with that of the other series.
_OWN_PROFILE_WEEKS = 4
# Shrinkage of a level's change: none of it below this many squared standard errors, nearly all far above (James–Stein).
_SHRINKAGE = 6.0
_LEVEL_DAYS = (28, 14)
# A change as sure and as large as this is a shift; days before it no longer count.
_SHIFT_SQUARED_ERRORS, _SHIFT_SIZE = 30.0, 0.2
# A trend needs this many squared standard errors, and must leave clearly less unexplained than the best single step.
_TREND_SQUARED_ERRORS, _TREND_AGAINST_STEP = 30.0, 0.7


@dataclass(frozen=True)
class Trend:
    """Trends of the rows that `has_trend`: `level` [row × 7] at the cut by weekday, relative `slope` per week."""

    level: Floats
    slope: Floats
    has_trend: Flags


@dataclass(frozen=True)
class Window:
    """Eight weeks of cost [row × week × 7]: `values` with 0 where it is not `known`."""

    values: Floats
    known: Flags


def windows_at(cost: Floats, cuts: Integers) -> Window:
    """Return the eight weeks up to each of the `cuts`; days before the first one are unknown."""
    days = days_between(cost, cuts, 1 - WINDOW, 1)
    window = days.reshape(len(cuts) * len(cost), WEEKS, 7)
    known = ~np.isnan(window)
    return Window(np.where(known, window, 0.0), known)


def without_outliers(window: Window) -> Window:
    """Pull single outliers towards the other values of their weekday; mostly empty series are left alone."""
    count = window.known.sum(axis=1)
    dense = (window.values > 0).sum(axis=(1, 2)) * 2 >= count.sum(axis=1)
    judged = dense[:, None] & (count >= 4)
    ordered = np.sort(np.where(window.known, window.values, np.inf), axis=1)
    second_largest = np.take_along_axis(ordered, np.maximum(count - 2, 0)[:, None, :], axis=1)[:, 0, :]
    highest = np.where(judged, _SPIKE * second_largest, np.inf)
    lowest = np.where(judged, _OUTAGE * ordered[:, 1, :], 0.0)
    values = np.clip(window.values, lowest[:, None, :], highest[:, None, :])
    return Window(np.where(window.known, values, 0.0), window.known)


def profile(window: Window, weights: Floats, series: int) -> Floats:
    """Return cost by weekday [row × 7] as the mean over the weeks with `weights` [week].

    Weekdays seen in few weeks are mixed with the common shape of all `series` of the cut, at the level of the series
    itself.
    """
    weight = np.einsum("swd,w->sd", window.known, weights)
    own = _ratio(np.einsum("swd,w->sd", window.values, weights), weight)
    seen = window.known.sum(axis=1)
    full = (seen >= _OWN_PROFILE_WEEKS).all(axis=1)
    mixed = np.repeat(~full.reshape(-1, series).all(axis=1), series)
    if not mixed.any():
        return own
    values, known, seen = window.values[mixed], window.known[mixed], seen[mixed]
    shape = np.repeat(_shapes(own[mixed].reshape(-1, series, 7), full[mixed].reshape(-1, series)), series, axis=0)
    level = _ratio(values.sum(axis=(1, 2)), (known * shape[:, None, :]).sum(axis=(1, 2)))
    share = np.where(seen >= _OWN_PROFILE_WEEKS, 1.0, seen / (seen + 1.0))
    share = np.where(weight[mixed] > 0, share, 0.0)
    own[mixed] = share * own[mixed] + (1.0 - share) * level[:, None] * shape
    return own


def _shapes(own: Floats, full: Flags) -> Floats:
    """Return the mean of the `full` profiles of each cut [cut × 7], each relative to its mean day."""
    used = full & (own.sum(axis=2) > 0)
    mean = own.mean(axis=2, keepdims=True)
    relative = np.divide(own, mean, out=np.zeros_like(own), where=used[:, :, None])
    count = used.sum(axis=1)[:, None]
    return np.where(count > 0, relative.sum(axis=1) / np.maximum(count, 1), 1.0)


def levelled(window: Window, weekdays: Floats) -> tuple[Floats, Flags]:
    """Move a profile to the level of the last four, then two weeks, as far as the change exceeds noise.

    Out: the profile, and the rows with a certain shift.
    """
    days = window.values.reshape(len(weekdays), WINDOW)
    known = window.known.reshape(len(weekdays), WINDOW)
    shifted = np.zeros(len(days), dtype=np.bool_)
    for length in _LEVEL_DAYS:
        expected = np.where(known, np.tile(weekdays, WEEKS), 0.0)
        recent_expected, old_expected = expected[:, -length:].sum(axis=1), expected[:, :-length].sum(axis=1)
        recent = _ratio(days[:, -length:].sum(axis=1), recent_expected, otherwise=1.0)
        old = _ratio(days[:, :-length].sum(axis=1), old_expected, otherwise=1.0)
        expected[:, -length:] *= recent[:, None]
        expected[:, :-length] *= old[:, None]
        residual = days - expected
        recent_count = known[:, -length:].sum(axis=1)
        old_count = known[:, :-length].sum(axis=1)
        variance = np.einsum("sd,sd->s", residual, residual) / np.maximum(recent_count + old_count - 8, 1)
        squared_error = variance * (_ratio(recent_count, recent_expected**2) + _ratio(old_count, old_expected**2))
        certainty = (recent - old) ** 2 / np.maximum(squared_error, 1e-12)
        judged = (recent_count >= 3) & (old_count >= 7) & (recent_expected > 0)
        share = np.where(judged, np.clip(1.0 - _SHRINKAGE / np.maximum(certainty, 1e-12), 0.0, 1.0), 0.0)
        weekdays = weekdays * (1.0 + share * (recent - 1.0))[:, None]
        shifted |= judged & (certainty > _SHIFT_SQUARED_ERRORS) & (np.abs(recent - old) > _SHIFT_SIZE * old)
    return weekdays, shifted


def trend(window: Window, weekdays: Floats, series: int) -> Trend:
    """Find the rows whose weekly level follows a line better than a single step; `series` rows are of one cut."""
    expected = np.einsum("swd,sd->sw", window.known, weekdays)
    weekly = _ratio(window.values.sum(axis=2), expected)
    weeks = np.arange(WEEKS) - (WEEKS - 1) / 2
    mean = weekly.mean(axis=1)
    # A product for each cut: its last bits may depend on how many rows it has.
    slope = (weekly.reshape(-1, series, WEEKS) @ weeks).ravel() / (weeks**2).sum()
    centred = weekly - mean[:, None]
    unexplained = ((centred - slope[:, None] * weeks) ** 2).sum(axis=1)
    # With a step after `before` weeks, the sum of squares falls by the part that the two means explain.
    before = np.arange(1, WEEKS)
    explained = np.cumsum(centred, axis=1)[:, :-1] ** 2 * (1.0 / before + 1.0 / (WEEKS - before))
    best_step = (centred**2).sum(axis=1) - explained.max(axis=1)
    squared_error = unexplained / (WEEKS - 2) / (weeks**2).sum()
    level = np.maximum(mean + slope * (WEEKS / 2), 0.0)
    has_trend = (
        (expected > 0).all(axis=1)
        & (slope**2 > _TREND_SQUARED_ERRORS * np.maximum(squared_error, 1e-12))
        & (unexplained < _TREND_AGAINST_STEP * best_step)
    )
    return Trend(weekdays * level[:, None], np.where(has_trend, _ratio(slope, level), 0.0), has_trend)


def _ratio(part: npt.ArrayLike, whole: Floats, otherwise: float = 0.0) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(part), otherwise), where=whole > 0))
