"""Steps in the level of series around a day, and how unusual they are compared with other days of the same series.

Which of them are reported is `event_study`'s decision.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.correlation.cleaning import Innovations
from circleci_cost.model.correlation.statistics import Floats, Integers, medians, robust_scale

# The days before and after whose medians are compared, and how many of each must be known.
_BEFORE, _AFTER, _FEWEST = 14, 7, 3
# A shift within this many days of the event counts as the event's.
_AROUND = 2
# Placebo dates are so far from the event that their windows do not contain its shift.
_APART = _BEFORE + _AROUND
# Beyond this quantile of the placebo steps their tail is a generalised Pareto distribution of this shape; it is used
# where ranks are too coarse for many series.
_TAIL_FROM, _TAIL_SHAPE = 0.9, 0.2
_LARGEST_RANK = 0.01


@dataclass(frozen=True)
class _Steps:
    """[series × days]: the step of the level on each day (log scale), and its `size` in the series' own scale."""

    step: Floats
    size: Floats


@dataclass(frozen=True)
class LargestStep:
    """Per series: the day (`place`) of the largest step, its height and size, the number of placebos, its p-value."""

    place: Integers
    step: Floats
    size: Floats
    placebos: Floats
    p_value: Floats


def largest_step(level: Floats, left: Innovations, at: int) -> LargestStep:
    """Return the largest step of each series around day number `at`, judged against those around all other days.

    In: levels without rhythm [series × days], NaN where they are not known, and their innovations. `size` is NaN if
    too few days around are known, or the day lies outside of the axis.
    """
    series, days = level.shape
    if not 0 <= at < days:
        unseen = np.full(series, np.nan)
        return LargestStep(np.full(series, at), unseen, unseen, np.zeros(series), unseen)
    return _at_event(_steps(level, left, min(_AFTER, days - at)), at)


def _steps(level: Floats, left: Innovations, after: int) -> _Steps:
    """The step on each day, estimated twice: as a difference of medians and from the innovations.

    The second is the estimate of a level shift in an autoregressive series (Chen & Liu 1993); a step has the smaller
    of both sizes, so that neither a spike nor slow wandering counts as a step.
    """
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(level, ((0, 0), (_BEFORE, after)), constant_values=np.nan), _BEFORE + after, axis=1
    )[:, : level.shape[1]]
    earlier, later = windows[:, :, :_BEFORE], windows[:, :, _BEFORE:]
    known = ((~np.isnan(earlier)).sum(2) >= _FEWEST) & ((~np.isnan(later)).sum(2) >= _FEWEST)
    step = np.where(known, medians(later) - medians(earlier), np.nan)
    return _Steps(step, np.minimum(_in_own_scale(step), _in_own_scale(_foretold_steps(left))))


def _foretold_steps(left: Innovations) -> Floats:
    # Days next to a gap give no evidence of a shift.
    values = np.nan_to_num(left.values)
    weights = np.concatenate([np.ones((len(values), 1)), -left.coefficients], axis=1)
    ahead = np.lib.stride_tricks.sliding_window_view(
        np.pad(values, ((0, 0), (0, weights.shape[1] - 1))), weights.shape[1], axis=1
    )
    return np.asarray(np.einsum("sdw,sw->sd", ahead, weights) / (weights**2).sum(axis=1)[:, None])


def _in_own_scale(steps: Floats) -> Floats:
    scale = robust_scale(steps)[:, None]
    return np.divide(np.abs(steps), scale, out=np.full_like(steps, np.nan), where=scale > 0)


def _at_event(shift: _Steps, at: int) -> LargestStep:
    """The largest step around the event against the largest ones around all other dates."""
    series, days = shift.size.shape
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(shift.size, ((0, 0), (_AROUND, _AROUND)), constant_values=np.nan), 2 * _AROUND + 1, axis=1
    )
    known = ~np.isnan(around)
    filled = np.where(known, around, -1.0)
    largest = np.where(known.any(axis=2), filled.max(axis=2), np.nan)
    place = np.clip(at - _AROUND + filled[:, at].argmax(axis=1), 0, days - 1)
    rows = np.arange(series)
    size = largest[:, at]
    placebo = np.where(np.abs(np.arange(days) - at) > _APART, largest, np.nan)
    count = (~np.isnan(placebo)).sum(axis=1)
    rank = (1 + (placebo >= size[:, None]).sum(axis=1)) / (1 + count)
    return LargestStep(place, shift.step[rows, place], size, count, _p_value(placebo, size, rank))


def _p_value(placebo: Floats, size: Floats, rank: Floats) -> Floats:
    """The rank of a step among the placebo steps; where hardly any is as large, the fitted tail gives it."""
    ordered = np.sort(placebo, axis=1)
    count = (~np.isnan(placebo)).sum(axis=1)
    start = ordered[np.arange(len(placebo)), np.minimum((_TAIL_FROM * count).astype(np.int64), placebo.shape[1] - 1)]
    beyond = np.where(placebo > start[:, None], placebo - start[:, None], 0.0)
    number = (beyond > 0).sum(axis=1)
    spread = (1 - _TAIL_SHAPE) * beyond.sum(axis=1) / np.maximum(number, 1)
    fitted = (size > start) & (spread > 0)
    excess = np.divide(size - start, spread, out=np.zeros_like(size), where=fitted)
    tail = number / np.maximum(count, 1) * (1 + _TAIL_SHAPE * excess) ** (-1 / _TAIL_SHAPE)
    return np.where(fitted, np.where(rank > _LARGEST_RANK, np.maximum(tail, rank), tail), rank)
