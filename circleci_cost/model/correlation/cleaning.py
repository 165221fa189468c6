"""Removal of what unrelated series share: weekly rhythm, days off, trends, and what their own past predicts.

`correlation` and `event_study` compare the rest. Public holidays belong in `model.calendar.special_days`.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.calendar.special_days import special_days
from circleci_cost.model.correlation.series import Costs, Days
from circleci_cost.model.correlation.statistics import (
    Flags,
    Floats,
    autoregression,
    filtered,
    interpolated,
    medians,
    moving_mean,
    robust_scale,
    winsorised,
)

ORDER = 8
AROUND = 57
"""Days of the mean from which deviations are taken.

Changes of noise that reverts to its mean are differenced once too often, which hides a part of what two series have in
common: faint couplings found at 5 % false, 91 % by changes, 93 % by deviations (seeds 41 to 44 of the benchmark).
"""
# Below this share of a series' typical day the scale is linear instead of logarithmic, to allow zeros and refunds.
_LINEAR_SHARE = 0.05
_PROFILE_TREND, _QUIET_TREND = 15, 29
_PROFILE_WEEKS = 8
_PROFILE_ROUNDS = 3
# In robust standard deviations below the usual; only with enough infrastructure series do these mark a day off.
_QUIET_CI, _QUIET_INFRASTRUCTURE, _ENOUGH_SERIES = 3.0, 1.0, 8


@dataclass(frozen=True)
class Innovations:
    """The part of each day's change, on the log scale, that the series' own past does not predict.

    `values` [series × days] is NaN where it is not known; `scale` is the usual size of a day's change, and
    `coefficients` [series × `ORDER`] the autoregression that was taken out.
    """

    values: Floats
    scale: Floats
    coefficients: Floats


@dataclass(frozen=True)
class Swings:
    """What each series does from day to day on the log scale [series × days]; `known` marks the days to compare.

    `scale` and `coefficients` as in `Innovations`; `limit` is where values are cut off.
    """

    values: Floats
    known: Flags
    scale: Floats
    coefficients: Floats
    limit: float

    def less(self, coefficients: Floats) -> Floats:
        """Return what these autoregressions, one for each series, do not predict, cut off; NaN where not known."""
        return winsorised(np.where(self.known, filtered(self.values, coefficients), np.nan), self.limit)

    def less_those_of(self, others: Floats) -> Floats:
        """Return what the autoregression of each of the others leaves of each series [other × series × days]."""
        series, days = self.values.shape
        times = (len(others), 1)
        many = Swings(
            np.tile(self.values, times), np.tile(self.known, times), self.scale, self.coefficients, self.limit
        )
        return many.less(np.repeat(others, series, axis=0)).reshape(len(others), series, days)


def days_off(days: Days, calendar: Calendar) -> Flags:
    """Return which days are holidays, bridges, the turn of the year or closures.

    The turn of the year is from 22 December to 2 January here, whatever the calendar says: many companies are quiet
    on all of these days, and to leave out a few more costs nothing.
    """
    flags = np.zeros(days.number, dtype=np.bool_)
    special = special_days(days.first, days.last, calendar)["date"]
    flags[(special - days.first).dt.total_days().to_numpy()] = True
    for year in range(days.first.year - 1, days.last.year + 1):
        begin = (date(year, 12, 22) - days.first).days
        flags[max(0, begin) : max(0, begin + 12)] = True
    return flags


def log_levels(costs: Costs, off: Flags) -> Floats:
    """Return arsinh(cost / 5 % of the typical day): logarithmic on usual days, defined for zeros and refunds.

    Days off are unknown (NaN), because the calendar explains them.
    """
    size = np.abs(costs.cost)
    typical = medians(np.where(size > 0, size, np.nan), otherwise=1.0)
    level = np.arcsinh(costs.cost / (_LINEAR_SHARE * typical[:, None]))
    return np.where(off[None, :], np.nan, level)


def without_rhythm(level: Floats) -> Floats:
    """Return the levels less each series' weekday profile, which may change in time.

    A day's profile is the median, over the same weekday of the weeks around it, of the levels less a centred moving
    mean; profile and mean are estimated alternately.
    """
    profile = np.zeros_like(level)
    for _ in range(_PROFILE_ROUNDS):
        profile = _weekly_medians(level - moving_mean(level - profile, _PROFILE_TREND))
    return level - profile


def quiet_days(ci: Floats, infrastructure: Floats) -> Flags:
    """Return the days on which most series are so low at once that it was a day off missing in the calendar.

    In: levels without rhythm. The median CI series is three robust standard deviations below its usual level or, where
    there are enough of them, the median infrastructure series one. A common low would look like a correlation.
    """
    quiet = medians(_deviation(ci).T) < -_QUIET_CI
    if len(infrastructure) >= _ENOUGH_SERIES:
        quiet |= medians(_deviation(infrastructure).T) < -_QUIET_INFRASTRUCTURE
    return quiet


def swings(level: Floats, limit: float, *, around: int | None = None) -> Swings:
    """Return the day-to-day changes of levels without rhythm, and what they follow from their own past.

    With `around` they are the deviations from a centred mean of so many days. They are cut off at `limit` robust
    standard deviations. Gaps are bridged for the autoregression (of up to `ORDER` days, by AIC); the days in gaps and
    the day after each are not known.
    """
    bridged = interpolated(level)
    changes = np.diff(bridged, axis=1, prepend=bridged[:, :1])
    known = ~np.isnan(level)
    known[:, 1:] &= known[:, :-1]
    known[:, 0] = False
    scale = robust_scale(np.where(known, changes, np.nan))
    cut = winsorised(changes if around is None else bridged - moving_mean(level, around), limit)
    return Swings(cut, known, scale, autoregression(cut, ORDER), limit)


def innovations(level: Floats, limit: float, *, around: int | None = None) -> Innovations:
    """Return `swings` less the part that each series' own past predicts, cut off at `limit` as well."""
    moved = swings(level, limit, around=around)
    return Innovations(moved.less(moved.coefficients), moved.scale, moved.coefficients)


def _deviation(level: Floats) -> Floats:
    """How far each day is from the days around it, in robust standard deviations of the series."""
    beside = level - moving_mean(level, _QUIET_TREND)
    scale = robust_scale(beside)[:, None]
    return np.divide(beside - medians(beside)[:, None], scale, out=np.zeros_like(beside), where=scale > 0)


def _weekly_medians(values: Floats) -> Floats:
    """The median over the days a whole number of weeks away; 0 where none of them is known."""
    reach = 7 * _PROFILE_WEEKS
    padded = np.pad(values, ((0, 0), (reach, reach)), constant_values=np.nan)
    weeks = range(0, 2 * reach + 1, 7)
    return medians(np.stack([padded[:, at : at + values.shape[1]] for at in weeks], axis=2), otherwise=0.0)
