"""A panel with what is prepared once for all forecasts of it: ordinary days, special days, peaks that may return.

Forecasting from any of its days is the job of `methods`.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.calendar.special_days import KINDS
from circleci_cost.model.forecast.former_weeks import common_rest, mean_before, usual_costs
from circleci_cost.model.forecast.monthly import Peaks, peaks_of
from circleci_cost.model.forecast.panel import CalendarDays, Flags, Floats, Integers, Panel
from circleci_cost.model.forecast.profiles import WINDOW

# Many rest some days longer than the calendar says around the turn of the year: 20 December to 5 January.
_AROUND_YEAR_END = 4

# With more special days of its own than this, a series outweighs what the others show of such days.
_HOLIDAY_PRIOR_DAYS = 2.0


@dataclass(frozen=True)
class Specials:
    """Past special working days: their cost over that of the same weekday in the four weeks before.

    `ratio` and `known` are [day × series]; `position` and `kind` are the positions and kinds of these days.
    """

    position: Integers
    kind: Integers
    ratio: Floats
    known: Flags


@dataclass(frozen=True)
class History:
    """A panel with its calendar, and values computed once for all cuts.

    `ordinary` is the cost without special days and those on which all rest, `former` the mean cost of a known day up to
    each day. `peaks` are the high days, some of which return monthly, `quiet` the days that do not show a stop.
    """

    panel: Panel
    calendar: CalendarDays
    ordinary: Floats
    former: Floats
    specials: Specials
    peaks: Peaks
    quiet: Flags


def history_of(panel: Panel, calendar: CalendarDays) -> History:
    """Prepare a panel for forecasts at any of its days."""
    special = calendar.kind[: panel.days] >= 0
    ordinary = np.where(special[None, :], np.nan, panel.cost)
    working = calendar.weekday[: panel.days] < 5
    position = np.flatnonzero(special & working)
    ratios, known = [np.empty((0, len(panel.cost)))], [np.empty((0, len(panel.cost)), dtype=np.bool_)]
    for day in position:
        before = ordinary[:, [past for past in range(day - 28, day, 7) if past >= 0]]
        seen = ~np.isnan(before)
        expected = np.where(seen, before, 0.0).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
        usable = (expected > 0) & ~np.isnan(panel.cost[:, day])
        ratio = np.divide(panel.cost[:, day], expected, out=np.zeros(len(expected)), where=usable)
        ratios.append(np.minimum(ratio, 2.0)[None, :])
        known.append(usable[None, :])
    specials = Specials(position, calendar.kind[position], np.concatenate(ratios), np.concatenate(known))
    complete = ~np.isnan(panel.cost)
    total = np.cumsum(np.where(complete, panel.cost, 0.0), axis=1)
    former = total / np.maximum(np.cumsum(complete, axis=1), 1)
    usual, mean = usual_costs(ordinary), mean_before(ordinary)
    ordinary[:, common_rest(ordinary, usual, mean)] = np.nan
    peaks = peaks_of(panel.cost, usual, mean, panel.first, len(calendar.kind))
    return History(panel, calendar, ordinary, former, specials, peaks, _quiet(calendar))


def holiday_factors(history: History, cut: int, days: int, weekdays: Floats) -> Floats:
    """Return [series × day]: 1, and on special working days the share of the weekday's cost that is expected.

    A kind of day that was never seen is treated like a weekend. Past days of the kind are learned from first for all
    series together, as a share of the way from a working day to the weekend, then for each series separately.
    """
    ahead = slice(cut + 1, cut + 1 + days)
    kinds, working = history.calendar.kind[ahead], history.calendar.weekday[ahead] < 5
    factors = np.ones((len(weekdays), days))
    if not ((kinds >= 0) & working).any():
        return factors
    weekend = (np.arange(7) + history.calendar.weekday[cut] + 1) % 7 >= 5
    working_level = weekdays[:, ~weekend].mean(axis=1)
    low = np.divide(
        weekdays[:, weekend].mean(axis=1), working_level, out=np.ones(len(weekdays)), where=working_level > 0
    )
    depth = 1.0 - np.minimum(low, 1.0)
    seen = history.specials
    for kind in range(len(KINDS)):
        coming = (kinds == kind) & working
        if coming.any():
            past = (seen.kind == kind) & (seen.position <= cut)
            count = seen.known[past].sum(axis=0)
            kept = seen.ratio[past].sum(axis=0)
            way = (1.0 + ((count - kept) * depth).sum()) / (1.0 + (count * depth**2).sum())
            pooled = 1.0 - way * depth
            own = (_HOLIDAY_PRIOR_DAYS * pooled + kept) / (_HOLIDAY_PRIOR_DAYS + count)
            factors[:, coming] = np.clip(own, 0.0, 2.0)[:, None]
    return factors


def _quiet(calendar: CalendarDays) -> Flags:
    """Return the days around the turn of the year, on some of which much rests though no calendar says so."""
    year_end = np.flatnonzero(calendar.kind == KINDS.index("year_end"))
    quiet = np.zeros(len(calendar.kind), dtype=np.bool_)
    for distance in range(-_AROUND_YEAR_END, _AROUND_YEAR_END + 1):
        near = year_end + distance
        quiet[near[(near >= 0) & (near < len(quiet))]] = True
    return quiet


def quiet_windows(history: History, cuts: Integers) -> Flags:
    """Return which days of the weeks up to each of the `cuts` are `quiet` [cut × day of the window]."""
    day = cuts[:, None] + np.arange(1 - WINDOW, 1)
    return np.asarray((day >= 0) & history.quiet[np.maximum(day, 0)])
