"""A new level that the last working days show: a stop, a halving, a doubling, a return.

Slow changes, and changes that only weeks can show, are estimated in `profiles`.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.forecast.panel import Flags, Floats, Integers
from circleci_cost.model.forecast.profiles import WEEKS, WINDOW, Window

# A weekday of less than a quarter of the mean day is too small to judge by.
_WORKING_SHARE = 0.25
# So many working days in a row make a new level; where a week has one of them, two. Two weeks before must be known.
_WORKING_DAYS, _WEEKS_BEFORE, _DAYS_BEFORE = 4, 2, 4
# Each day must be off by more than a fifth and the usual deviation of a day, all together by more; as logarithms.
# Doublings and halvings are looked for last and win: beside them, days off by a fifth are days of the usual level.
_EACH, _TOGETHER = (0.2, 0.7), 0.3
_EACH_DEVIATIONS, _TOGETHER_DEVIATIONS = 1.0, 2.0
_LARGEST = 4.0
# Shrinkage of a jump, as of a level's change (`profiles`), by its squared standard errors; a series without scatter has
# a little of it.
_SHRINKAGE, _LEAST_DEVIATION = 6.0, 0.02
# A rise may be a burst that passes: of four days it is followed by four fifths.
_BURST_DAYS = 1.0
# Where single days are as far off now and then, as many in a row must be rarer than this.
_CHANCE, _RARELY = 0.001, 0.02
# Of a new level, days above one and a half times its mean are spikes.
_SPIKE = 1.5
# The level is that of the last two weeks at most: it may go on moving.
_LEVEL_DAYS = 14
# The median of absolute deviations, as a standard deviation.
_NORMAL = 1.4826
# After four weeks of rest nothing is usual. A series is back when it has run on four days of seven.
_REST_DAYS, _BACK_DAYS = 28, 4


@dataclass(frozen=True)
class _Days:
    """The days of some rows [row × day]: `off` is the logarithm of cost over the usual, where `judged`.

    `proves` marks those that may begin a level, `needed` is how many in a row make one.
    """

    off: Floats
    judged: Flags
    proves: Flags
    needed: Integers


def jumped(window: Window, weekdays: Floats, quiet: Flags) -> tuple[Floats, Flags]:
    """Return the profile `weekdays` at the level of the last days, and the rows whose level jumped.

    A level jumps when the last working days are all clearly below, or all clearly above, the median of their weekday,
    which a new level moves only after four weeks; and when they are back after such days. `quiet` [row × day of
    the window] marks days on which little cost proves nothing.
    """
    usual = _medians(window)
    working = (usual > 0) & (usual >= _WORKING_SHARE * usual.mean(axis=1, keepdims=True))
    needed = np.minimum(_WORKING_DAYS, 2 * working.sum(axis=1))
    values = window.values.reshape(len(usual), WINDOW)
    known = window.known.reshape(values.shape)
    judged = known & np.tile(working, WEEKS)
    level, found = weekdays.copy(), np.zeros(len(usual), dtype=np.bool_)
    for sign in (-1.0, 1.0):
        limit = np.tile(usual * np.exp(sign * _EACH[0]), WEEKS)
        possible = np.flatnonzero(_in_a_row(sign * values > sign * limit, judged, needed) & (needed > 0))
        if not len(possible):
            continue
        expected = np.where(judged[possible], np.tile(usual[possible], WEEKS), 1.0)
        ratio = np.where(judged[possible], np.maximum(values[possible] / expected, 1e-9), 1.0)
        off = np.clip(sign * np.log(ratio), -_LARGEST, _LARGEST)
        proves = ~quiet if sign < 0 else np.ones_like(quiet)
        days = _Days(off, judged[possible], proves[possible], needed[possible])
        for each in _EACH:
            run, share = _latest(days, each)
            if sign > 0:
                share = np.where(share < 1.0, share * run.sum(axis=1) / (run.sum(axis=1) + _BURST_DAYS), 1.0)
            some = run.any(axis=1)
            series, run, share = possible[some], run[some], share[some]
            highest = np.tile(usual[series], WEEKS) * (_SPIKE * np.exp(_mean(sign * off[some], run)))[:, None]
            latest = np.where(run, np.minimum(values[series], highest), values[series])
            # The days from the first one on, with those too small to be judged.
            since = np.logical_or.accumulate(run, axis=1) & known[series]
            since[:, :-_LEVEL_DAYS] = False
            before = (np.tile(weekdays[series], WEEKS) * since).sum(axis=1)
            change = np.divide((latest * since).sum(axis=1), before, out=np.ones(len(series)), where=before > 0)
            # Nothing is left of the level of what has stopped.
            share = np.where(change > 0, share, 1.0)
            level[series] = weekdays[series] * (1.0 + share * (change - 1.0))[:, None]
            found[series] = before > 0
    return level, found


def _in_a_row(beyond: Flags, judged: Flags, needed: Integers) -> Flags:
    """Tell the series in which as many judged days as needed are beyond a bound one after another."""
    count = np.cumsum(judged & beyond, axis=1, dtype=np.int8)
    ended = np.maximum.accumulate(np.where(judged & ~beyond, count, np.int8(0)), axis=1)
    return np.asarray((count - ended).max(axis=1) >= needed)


def _latest(days: _Days, each: float) -> tuple[Flags, Floats]:
    """Return the days of the new level and how far they are to be followed; no days where there is no certain level.

    They are beyond `each`, or back from there.
    """
    ordered = np.sort(np.where(days.judged, np.abs(days.off), np.inf), axis=1)
    count = days.judged.sum(axis=1)
    deviation = _NORMAL * ordered[np.arange(len(count)), np.maximum(count - 1, 0) // 2]
    beyond = days.judged & (days.off > np.maximum(each, _EACH_DEVIATIONS * deviation)[:, None])
    after = _after(beyond, days.judged)
    back = after.sum(axis=1) >= days.needed
    run = _after(days.judged & ~beyond & ~after, days.judged & ~after)
    length = run.sum(axis=1)
    mean = _mean(days.off, run)
    before = count - length - after.sum(axis=1)
    often = np.clip((beyond & ~run).sum(axis=1) / np.maximum(before, 1), _RARELY, 1.0)
    certain = (
        (length * np.log(often) <= np.log(_CHANCE))
        & ((run & days.proves).sum(axis=1) >= days.needed)
        & (mean >= np.maximum(_TOGETHER, _TOGETHER_DEVIATIONS * deviation))
        & (before >= np.maximum(_DAYS_BEFORE, _WEEKS_BEFORE * count // WEEKS))
        & (back | ~after.any(axis=1))
    )
    squared_errors = (mean / np.maximum(deviation, _LEAST_DEVIATION)) ** 2 * length
    share = np.clip(1.0 - _SHRINKAGE / np.maximum(squared_errors, 1e-12), 0.0, 1.0 - 1e-12)
    return np.where(back[:, None], after, run) & certain[:, None], np.where(back, 1.0, share)


def _mean(off: Floats, run: Flags) -> Floats:
    return np.asarray((off * run).sum(axis=1) / np.maximum(run.sum(axis=1), 1))


def _after(marked: Flags, judged: Flags) -> Flags:
    """Return the judged days after the last marked one."""
    return judged & ~np.logical_or.accumulate(marked[:, ::-1], axis=1)[:, ::-1]


def without_rest(window: Window) -> Window:
    """Leave out the four weeks or more without cost before a return: only the days around them tell the level."""
    values = window.values.reshape(len(window.values), WINDOW)
    running = values > 0
    day = np.arange(WINDOW)
    latest = np.maximum.accumulate(np.where(running, day, -1), axis=1)
    before = np.concatenate([np.full((len(values), 1), -1), latest[:, :-1]], axis=1)
    begins = running & (day - before > _REST_DAYS)
    back = begins.any(axis=1) & (running[:, -7:].sum(axis=1) >= _BACK_DAYS)
    if not back.any():
        return window
    first = np.where(back, WINDOW - 1 - np.argmax(begins[:, ::-1], axis=1), 0)
    rest = (day < first[:, None]) & (day > np.take_along_axis(before, first[:, None], axis=1)) & back[:, None]
    known = window.known & ~rest.reshape(window.known.shape)
    return Window(window.values, known)


def _medians(window: Window) -> Floats:
    """Return the median by weekday [series × 7]; 0 where no day is known."""
    count = window.known.sum(axis=1)
    ordered = np.sort(np.where(window.known, window.values, np.inf), axis=1)
    last = np.maximum(count - 1, 0)
    middle = [np.take_along_axis(ordered, at[:, None, :], axis=1)[:, 0, :] for at in (last // 2, (last + 1) // 2)]
    return np.where(count > 0, (middle[0] + middle[1]) / 2.0, 0.0)
