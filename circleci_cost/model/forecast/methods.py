"""The methods by which coming days are forecast, and the run rates that they have to beat.

Each gives the expected cost of the days after a cut. Measuring errors and choosing a method are `backtest`'s job.
"""

from dataclasses import dataclass

import numpy as np

from circleci_cost.model.calendar.special_days import KINDS
from circleci_cost.model.forecast.former_weeks import common_rest, mean_before, usual_costs
from circleci_cost.model.forecast.jumps import jumped, without_rest
from circleci_cost.model.forecast.monthly import Monthly, Peaks, monthly_costs, peaks_of
from circleci_cost.model.forecast.panel import CalendarDays, Flags, Floats, Integers, Panel
from circleci_cost.model.forecast.profiles import (
    WEEKS,
    WINDOW,
    Window,
    levelled,
    profile,
    trend,
    window_at,
    without_outliers,
)

METHODS = ("mean", "weekday_8_weeks", "weekday_4_weeks", "seasonal_ses")
"""The methods to choose from; the first is the mean of the others and the default."""

RUN_RATES = ("run_rate", "weekday_run_rate")
"""The method of a spreadsheet: the month's daily mean so far, plain or weighted by the weekdays of eight weeks."""

# Weights of the weeks, oldest first.
_EIGHT_WEEKS = np.ones(WEEKS)
_FOUR_WEEKS = np.repeat([0.0, 1.0], WEEKS // 2)
_SES = np.power(0.8, np.arange(WEEKS - 1, -1, -1, dtype=np.float64))

# A trend loses a tenth of its strength each week, so that it levels off.
_DAMPING = 0.9
_REACH = -1.0 / np.log(_DAMPING)

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


@dataclass(frozen=True)
class Outlook:
    """The forecast of the days after one cut, and the scatter of single days.

    `paths` [series × day] by method; `level` is the mean cost of an ordinary day with what returns monthly, `scatter`
    the standard deviation of one day about its weekday's level, `former` the mean cost of a day since the series began,
    `seen` the number of known and ordinary days in the last eight weeks.
    """

    paths: dict[str, Floats]
    level: Floats
    scatter: Floats
    former: Floats
    seen: Integers


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


def outlook(history: History, cut: int, days: int) -> Outlook:
    """Forecast the `days` days after position `cut` from what was known on that day, by each of `METHODS`."""
    monthly = monthly_costs(history.peaks, cut, days)
    plain, billed = _without_monthly(window_at(history.ordinary, cut), history.peaks, monthly, cut)
    plain = without_rest(plain)
    window = without_outliers(plain)
    eight = profile(window, _EIGHT_WEEKS)
    moved, shifted = levelled(window, eight)
    line = trend(window, eight)
    moved = np.where(line.has_trend[:, None], line.level, moved)
    latest, jump = jumped(plain, eight, _last(history.quiet, cut))
    jump &= ~line.has_trend
    moved = np.where(jump[:, None], latest, moved)
    changed = (shifted | line.has_trend | jump)[:, None]
    rates = {
        "weekday_8_weeks": moved,
        # A certain shift or trend applies to all methods.
        "weekday_4_weeks": np.where(changed, moved, profile(window, _FOUR_WEEKS)),
        "seasonal_ses": np.where(changed, moved, profile(window, _SES)),
    }
    ahead = np.arange(1, days + 1)
    growth = _REACH * (1.0 - _DAMPING ** (ahead / 7.0))
    slope = np.clip(line.slope, -1.0 / _REACH, None)
    factor = _holiday_factors(history, cut, days, eight)
    if line.has_trend.any():
        factor = factor * (1.0 + slope[:, None] * growth)
    weekday = (ahead - 1) % 7
    paths = {name: by_weekday[:, weekday] * factor + monthly.coming for name, by_weekday in rates.items()}
    paths["mean"] = np.mean(list(paths.values()), axis=0)
    residual = np.where(window.known, window.values - moved[:, None, :], 0.0)
    squares = np.einsum("swd,swd->s", residual, residual)
    seen = window.known.sum(axis=(1, 2))
    level = moved.mean(axis=1) + billed / np.maximum(seen, 1)
    return Outlook(paths, level, _scatter(squares, seen, level), history.former[:, cut], seen)


def _without_monthly(window: Window, peaks: Peaks, monthly: Monthly, cut: int) -> tuple[Window, Floats]:
    """Take what returns monthly out of the eight weeks up to `cut`; return the sum taken by series, too."""
    day = peaks.day[monthly.peaks] - (cut - WINDOW + 1)
    row, day, peak = peaks.row[monthly.peaks][day >= 0], day[day >= 0], monthly.peaks[day >= 0]
    values = window.values.copy()
    ordinary = window.known[row, day // 7, day % 7]
    values[row, day // 7, day % 7] = np.where(ordinary, peaks.usual[peak], 0.0)
    billed = np.bincount(row, weights=peaks.size[peak], minlength=len(values))
    return Window(values, window.known), billed.astype(np.float64)


def _quiet(calendar: CalendarDays) -> Flags:
    """Return the days around the turn of the year, on some of which much rests though no calendar says so."""
    year_end = np.flatnonzero(calendar.kind == KINDS.index("year_end"))
    quiet = np.zeros(len(calendar.kind), dtype=np.bool_)
    for distance in range(-_AROUND_YEAR_END, _AROUND_YEAR_END + 1):
        near = year_end + distance
        quiet[near[(near >= 0) & (near < len(quiet))]] = True
    return quiet


def _last(quiet: Flags, cut: int) -> Flags:
    """Return the days of the window up to `cut`."""
    days = quiet[max(cut - WINDOW + 1, 0) : cut + 1]
    return np.concatenate([np.zeros(WINDOW - len(days), dtype=np.bool_), days])


def run_rates(history: History, cut: int, start: int, days: int) -> dict[str, Floats]:
    """Forecast the `days` days after `cut` by the mean since position `start`, the first day of the period."""
    cost = history.panel.cost[:, start : cut + 1]
    known = ~np.isnan(cost)
    total = np.where(known, cost, 0.0).sum(axis=1)
    mean = total / np.maximum(known.sum(axis=1), 1)
    weekdays = profile(window_at(history.panel.cost, cut), _EIGHT_WEEKS)
    expected = np.where(known, weekdays[:, np.arange(start - cut - 1, 0) % 7], 0.0).sum(axis=1)
    scale = np.divide(total, expected, out=np.zeros(len(total)), where=expected > 0)
    return {
        "run_rate": np.repeat(mean[:, None], days, axis=1),
        "weekday_run_rate": scale[:, None] * weekdays[:, np.arange(days) % 7],
    }


def _holiday_factors(history: History, cut: int, days: int, weekdays: Floats) -> Floats:
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


def _scatter(squares: Floats, seen: Integers, level: Floats) -> Floats:
    """Return the standard deviation of a day; for short series it leans on the usual scatter."""
    freedom = np.maximum(seen - 7, 0)
    relative = np.divide(
        squares, freedom * level**2, out=np.full(len(level), np.nan), where=(freedom > 6) & (level > 0)
    )
    usual = float(np.nanmedian(relative)) if not np.isnan(relative).all() else 0.25
    return np.asarray(np.sqrt((squares + 7.0 * usual * level**2) / (freedom + 7.0)))
