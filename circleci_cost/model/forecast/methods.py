"""The methods by which coming days are forecast, and the run rates that they have to beat.

Each gives the expected cost of the days after a cut; many cuts are forecast from at once. Measuring errors and choosing
a method are `backtest`'s job.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from circleci_cost.model.forecast.history import History, holiday_factors, quiet_windows
from circleci_cost.model.forecast.jumps import jumped, without_rest
from circleci_cost.model.forecast.monthly import Bills, Peaks, add_bills, bills_after
from circleci_cost.model.forecast.panel import Floats, Integers, days_between
from circleci_cost.model.forecast.profiles import (
    WEEKS,
    WINDOW,
    Window,
    levelled,
    profile,
    trend,
    windows_at,
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


@dataclass(frozen=True)
class Outlook:
    """Forecasts of the days after some cuts, and the scatter of single days.

    `rates` [cut × series × 7] by method but the mean of them, `factor` [cut × series × day] for holidays and trends,
    `bills` for each cut with what returns monthly. The rest is [cut × series]: `level` is the mean cost of an ordinary
    day with what returns monthly, `scatter` the standard deviation of one day about its weekday's level, `former` the
    mean cost of a day since the series began, `seen` the number of known and ordinary days in the last eight weeks.
    """

    rates: dict[str, Floats]
    factor: Floats
    peaks: Peaks
    bills: Sequence[Bills | None]
    level: Floats
    scatter: Floats
    former: Floats
    seen: Integers

    def paths(self, days: int, methods: Sequence[str] = METHODS) -> dict[str, Floats]:
        """The forecasts [cut × series × day] of the first `days` days by some of the `METHODS`."""
        coming = np.zeros(self.factor[:, :, :days].shape)
        for number, bills in enumerate(self.bills):
            if bills:
                add_bills(coming[number], self.peaks, bills)
        weekday, factor = np.arange(days) % 7, self.factor[:, :, :days]
        default = METHODS[0]
        needed = self.rates if default in methods else [method for method in methods if method in self.rates]
        paths = {name: self.rates[name][:, :, weekday] * factor + coming for name in needed}
        if default in methods:
            paths[default] = np.mean(list(paths.values()), axis=0)
        return paths


def outlook(history: History, cuts: Integers, days: int) -> Outlook:
    """Forecast the `days` days after each of the `cuts` from what was known on that day, by each of `METHODS`."""
    shape = (len(cuts), len(history.panel.cost))
    series = shape[1]
    bills = [bills_after(history.peaks, int(cut)) for cut in cuts]
    plain, billed = _without_monthly(windows_at(history.ordinary, cuts), history.peaks, bills, series)
    plain = without_rest(plain)
    window = without_outliers(plain)
    eight = profile(window, _EIGHT_WEEKS, series)
    moved, shifted = levelled(window, eight)
    line = trend(window, eight, series)
    moved = np.where(line.has_trend[:, None], line.level, moved)
    latest, jump = jumped(plain, eight, np.repeat(quiet_windows(history, cuts), series, axis=0))
    jump &= ~line.has_trend
    moved = np.where(jump[:, None], latest, moved)
    changed = (shifted | line.has_trend | jump)[:, None]
    rates = {
        "weekday_8_weeks": moved,
        # A certain shift or trend applies to all methods.
        "weekday_4_weeks": np.where(changed, moved, profile(window, _FOUR_WEEKS, series)),
        "seasonal_ses": np.where(changed, moved, profile(window, _SES, series)),
    }
    ahead = np.arange(1, days + 1)
    growth = _REACH * (1.0 - _DAMPING ** (ahead / 7.0))
    slope = np.clip(line.slope, -1.0 / _REACH, None).reshape(shape)
    weekdays = eight.reshape(*shape, 7)
    factor = np.stack(
        [holiday_factors(history, int(cut), days, of_cut) for cut, of_cut in zip(cuts, weekdays, strict=True)]
    )
    if line.has_trend.any():
        factor = factor * (1.0 + slope[:, :, None] * growth)
    residual = np.where(window.known, window.values - moved[:, None, :], 0.0)
    squares = np.einsum("swd,swd->s", residual, residual).reshape(shape)
    seen = window.known.sum(axis=(1, 2)).reshape(shape)
    level = moved.mean(axis=1).reshape(shape) + billed / np.maximum(seen, 1)
    return Outlook(
        rates={name: by_weekday.reshape(*shape, 7) for name, by_weekday in rates.items()},
        factor=factor,
        peaks=history.peaks,
        bills=bills,
        level=level,
        scatter=_scatter(squares, seen, level),
        former=history.former[:, cuts].T,
        seen=seen,
    )


def _without_monthly(window: Window, peaks: Peaks, bills: Sequence[Bills | None], series: int) -> tuple[Window, Floats]:
    """Take what returns monthly out of the eight weeks up to each cut; return the sums taken [cut × series], too."""
    values, billed = window.values, np.zeros((len(bills), series))
    for number, returning in enumerate(bills):
        if returning:
            since = peaks.day[returning.learned] - (returning.cut - WINDOW + 1)
            peak, day = returning.learned[since >= 0], since[since >= 0]
            row = number * series + peaks.row[peak]
            ordinary = window.known[row, day // 7, day % 7]
            values[row, day // 7, day % 7] = np.where(ordinary, peaks.usual[peak], 0.0)
            billed[number] = np.bincount(peaks.row[peak], weights=peaks.size[peak], minlength=series)
    return window, billed


def weekday_means(history: History, cuts: Integers) -> Floats:
    """Return the mean cost by weekday of the eight weeks up to each of the `cuts` [cut × series × 7]."""
    series = len(history.panel.cost)
    return profile(windows_at(history.panel.cost, cuts), _EIGHT_WEEKS, series).reshape(len(cuts), series, 7)


def run_rates(history: History, cuts: Integers, elapsed: int, days: int, weekdays: Floats) -> dict[str, Floats]:
    """Forecast the `days` days after each of the `cuts` by the mean of the `elapsed` days up to it.

    In: `weekdays` are the `weekday_means`. Out: [cut × series × day] by name, the day 1 where it is the same for all.
    """
    shape = (len(cuts), len(history.panel.cost))
    mean, scale = np.zeros(shape), np.zeros(shape)
    lengths = np.minimum(elapsed, cuts + 1)
    for length in np.unique(lengths):
        same = np.flatnonzero(lengths == length)
        cost = days_between(history.panel.cost, cuts[same], 1 - int(length), 1)
        known = ~np.isnan(cost)
        total = np.where(known, cost, 0.0).sum(axis=2)
        mean[same] = total / np.maximum(known.sum(axis=2), 1)
        expected = np.where(known, weekdays[same][:, :, np.arange(-length, 0) % 7], 0.0).sum(axis=2)
        scale[same] = np.divide(total, expected, out=np.zeros(total.shape), where=expected > 0)
    return {
        "run_rate": mean[:, :, None],
        "weekday_run_rate": scale[:, :, None] * weekdays[:, :, np.arange(days) % 7],
    }


def _scatter(squares: Floats, seen: Integers, level: Floats) -> Floats:
    """Return the standard deviation of a day; for short series it leans on the usual scatter."""
    freedom = np.maximum(seen - 7, 0)
    relative = np.divide(
        squares, freedom * level**2, out=np.full(level.shape, np.nan), where=(freedom > 6) & (level > 0)
    )
    usual = _medians(relative, otherwise=0.25)[:, None]
    return np.asarray(np.sqrt((squares + 7.0 * usual * level**2) / (freedom + 7.0)))


def _medians(values: Floats, otherwise: float) -> Floats:
    """Return the median of each row without its NaNs; `otherwise` where there is nothing else."""
    count = (~np.isnan(values)).sum(axis=1)
    ordered, rows, last = np.sort(values, axis=1), np.arange(len(values)), np.maximum(count - 1, 0)
    middle = (ordered[rows, last // 2] + ordered[rows, (last + 1) // 2]) / 2.0
    return np.where(count > 0, middle, otherwise)
