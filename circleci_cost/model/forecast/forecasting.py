"""Forecasts of daily cost and of a period's remaining cost, with intervals, from the series' own past.

The public functions. `panel` lays out the past, `methods` forecasts, `backtest` and `intervals` measure how sure the
forecasts are. Budgets and their states belong in `model.budgets`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from circleci_cost.model.calendar.definition import DEFAULT_CALENDAR, Calendar
from circleci_cost.model.forecast.backtest import (
    BACKTEST_SCHEMA,
    PastOutlooks,
    Span,
    backtest_of,
    best_method,
    daily_errors,
    rolling_errors,
)
from circleci_cost.model.forecast.history import history_of
from circleci_cost.model.forecast.intervals import (
    LEVELS,
    MEDIAN,
    expected_error_of_day,
    expected_error_of_sum,
    probability_above,
)
from circleci_cost.model.forecast.methods import METHODS, Outlook, outlook
from circleci_cost.model.forecast.panel import Floats, Panel, calendar_days, panel_of

FORECAST_SCHEMA = pl.Schema(
    {
        "series": pl.String(),
        "date": pl.Date(),
        "median": pl.Float64(),
        "p10": pl.Float64(),
        "p90": pl.Float64(),
    }
)
TOTAL_SCHEMA = pl.Schema(
    {
        "series": pl.String(),
        "days": pl.Int64(),
        "median": pl.Float64(),
        "p10": pl.Float64(),
        "p90": pl.Float64(),
        "p025": pl.Float64(),
        "p975": pl.Float64(),
        "quantiles": pl.List(pl.Float64()),
        "note": pl.String(),
    }
)

# Errors of single days are measured for these numbers of days ahead, and interpolated in between.
_LEADS = np.array([3, 11, 22])
# A calendar for a day as near as this may not hold the five weeks after which a bill of a fifth Monday returns.
_NEAR = timedelta(days=4)


@dataclass(frozen=True)
class ForecastSettings:
    """How to forecast. `calendar` names the days on which less usage is expected.

    Series shorter than `minimum_days` are forecast, but get a note and do not count in the backtest. `method` is one of
    `METHODS`; None lets the backtest choose.
    """

    calendar: Calendar = DEFAULT_CALENDAR
    minimum_days: int = 14
    method: str | None = None

    def __post_init__(self) -> None:
        """Refuse an unknown method, and a minimum too short to judge a forecast by."""
        if self.method is not None and self.method not in METHODS:
            raise ValueError(f"no forecast method is called {self.method!r}; there are {', '.join(METHODS)}")
        if self.minimum_days < 7:
            raise ValueError(f"minimum_days is {self.minimum_days}; a weekday's cost is not known before 7 days")


DEFAULTS = ForecastSettings()


class Forecaster:
    """Forecasts of the same daily series to several days, which share what they measure by past days.

    `daily` is taken as `panel.panel_of` takes it; costs and forecasts are in the same unit.
    """

    def __init__(self, daily: pl.DataFrame, untils: Iterable[date] = (), settings: ForecastSettings = DEFAULTS) -> None:
        self._panel = panel_of(daily)
        self._settings = settings
        self._untils = tuple(untils)
        # By the day that the calendar is made for.
        self._pasts: dict[date, PastOutlooks] = {}

    def forecast(self, until: date, method: str | None = None) -> pl.DataFrame:
        """Like `forecast`, by the method that is given."""
        panel, settings = self._panel, self._settings
        days = self._days_ahead(until)
        if not days:
            return pl.DataFrame(schema=FORECAST_SCHEMA)
        past = self._past(until)
        method = method or self._method(past)
        cut = panel.days - 1
        seen = outlook(past.history, np.array([cut]), days)
        paths = seen.paths(days, [method])[method]
        ahead = np.arange(1, days + 1)
        expected = expected_error_of_day(seen, paths, ahead, settings.minimum_days)[0]
        path = paths[0]
        quantiles = [calibration.quantiles(cut) for calibration in daily_errors(past, method, _LEADS)]
        near = np.clip(ahead, _LEADS[0], _LEADS[-1])
        weight = np.maximum(
            0.0, 1.0 - np.abs(np.interp(near, _LEADS, np.arange(len(_LEADS))) - np.arange(len(_LEADS))[:, None])
        )
        lower = np.stack([size * shape[LEVELS.index(0.1)] for size, shape in quantiles], axis=1) @ weight
        upper = np.stack([size * shape[LEVELS.index(0.9)] for size, shape in quantiles], axis=1) @ weight
        return pl.DataFrame(
            {
                "series": panel.names.gather(np.repeat(np.arange(len(panel.names)), days)),
                "date": np.tile(np.datetime64(panel.last) + ahead, len(panel.names)),
                "median": path.ravel(),
                "p10": np.maximum(path + expected * lower, 0.0).ravel(),
                "p90": (path + expected * upper).ravel(),
            }
        ).cast(FORECAST_SCHEMA)

    def forecast_total(self, until: date, method: str | None = None) -> pl.DataFrame:
        """Like `forecast_total`, by the method that is given."""
        panel = self._panel
        if not len(panel.names):
            return pl.DataFrame(schema=TOTAL_SCHEMA)
        days = self._days_ahead(until)
        past = self._past(until)
        seen = outlook(past.history, np.array([panel.days - 1]), max(days, 1))
        quantiles = (
            _quantiles(past, seen, days, method or self._method(past))
            if days
            else np.zeros((len(panel.names), len(LEVELS)))
        )
        columns = {"median": 0.5, "p10": 0.1, "p90": 0.9, "p025": 0.025, "p975": 0.975}
        return pl.DataFrame(
            {
                "series": panel.names,
                "days": np.full(len(panel.names), days),
                **{name: quantiles[:, LEVELS.index(level)] for name, level in columns.items()},
                "quantiles": pl.Series(quantiles, dtype=pl.Array(pl.Float64, len(LEVELS))).arr.to_list(),
                "note": _notes(panel, seen, self._settings),
            }
        ).cast(TOTAL_SCHEMA)

    def backtest(self) -> pl.DataFrame:
        """Like `backtest`."""
        if not len(self._panel.names):
            return pl.DataFrame(schema=BACKTEST_SCHEMA)
        return backtest_of(self._past(self._panel.last))

    def _days_ahead(self, until: date) -> int:
        return max(0, (until - self._panel.last).days) if len(self._panel.names) else 0

    def _past(self, until: date) -> PastOutlooks:
        """The past with a calendar that reaches a month beyond `until`, or further: one serves all days but near ones.

        A bill returns after five weeks at most; which rule it follows may be decided by what the calendar still holds.
        """
        is_near = self._panel.last < until < self._panel.last + _NEAR
        reach = until if is_near else max(until, self._panel.last, *self._untils)
        if reach not in self._pasts:
            days = (reach - self._panel.first + timedelta(days=32)).days
            calendar = calendar_days(self._panel.first, days, self._settings.calendar)
            self._pasts[reach] = PastOutlooks(history_of(self._panel, calendar), self._settings.minimum_days)
        return self._pasts[reach]

    def _method(self, past: PastOutlooks) -> str:
        return self._settings.method or best_method(backtest_of(past, intervals=False))


def forecast(daily: pl.DataFrame, until: date, settings: ForecastSettings = DEFAULTS) -> pl.DataFrame:
    """Forecast each day from the one after the last day of all series to `until`.

    In: as `panel.panel_of` takes it. Out: `FORECAST_SCHEMA`, ordered by series and date, in the unit of `cost`;
    no row where `until` is not after the last day. The medians of a series add up to that of `forecast_total`;
    the intervals do not, because days are not independent.
    """
    return Forecaster(daily, [until], settings).forecast(until)


def forecast_total(daily: pl.DataFrame, until: date, settings: ForecastSettings = DEFAULTS) -> pl.DataFrame:
    """Forecast the sum of the days from the one after the last day of all series to `until`.

    Out: `TOTAL_SCHEMA`, a row per series. `days` is the number of remaining days; without any, every sum is exactly 0.
    `quantiles` are those at `intervals.LEVELS`, for `probability_over`. `note` says why a forecast is unsure.
    """
    return Forecaster(daily, [until], settings).forecast_total(until)


def probability_over(totals: pl.DataFrame, limit: pl.Series | str) -> pl.Series:
    """Return the probability that the remaining sum is above `limit`, for each row of `forecast_total`.

    `limit` is a series of numbers as long as `totals`, or the name of a column in it; a null has no probability.
    It is consistent with the quantiles of the row, and never grows with the limit.
    """
    limits = (totals[limit] if isinstance(limit, str) else limit).cast(pl.Float64)
    if len(limits) != totals.height:
        raise ValueError(f"{len(limits)} limits do not fit {totals.height} totals")
    if not totals.height:
        return pl.Series("probability", [], dtype=pl.Float64)
    quantiles = totals["quantiles"].list.to_array(len(LEVELS)).to_numpy()
    probability = probability_above(quantiles, limits.fill_null(0.0).to_numpy())
    return pl.select(pl.when(limits.is_not_null()).then(pl.Series(probability)).alias("probability")).to_series()


def backtest(daily: pl.DataFrame, settings: ForecastSettings = DEFAULTS) -> pl.DataFrame:
    """Measure how well each method would have forecast the totals of past months from what was known then.

    Out: `cut_day` (days of the month that were known), `method`, `wape`, `coverage_80`, `coverage_95` (shares),
    `windows` (series × months); empty without a complete month.
    """
    return Forecaster(daily, settings=settings).backtest()


def choose_method(backtest: pl.DataFrame) -> str:
    """Return the method with the least WAPE in a `backtest`, averaged over its cut days.

    The mean of the methods is the default; another method must be better by more than 2 %.
    """
    return best_method(backtest)


def _quantiles(past: PastOutlooks, seen: Outlook, days: int, method: str) -> Floats:
    """Return the quantiles of the remaining sum [series × `LEVELS`].

    The errors come from spans as long as the remaining one, or the longest that fits several times into the history.
    """
    cut = past.history.panel.days - 1
    span = Span(0, min(days, max(7, (past.history.panel.days - past.minimum_days) // 3)))
    size, shape = rolling_errors(past, [span], [method])[method, span].quantiles(cut)
    expected = expected_error_of_sum(seen, days, past.minimum_days)[0]
    median = seen.paths(days, [method])[method][0].sum(axis=1)
    quantiles = np.maximum(median[:, None] + (expected * size)[:, None] * shape, 0.0)
    quantiles[:, MEDIAN] = median
    return np.asarray(quantiles)


def _notes(panel: Panel, seen: Outlook, settings: ForecastSettings) -> pl.Series:
    """For each series, why its forecast is unsure; null if it is not."""
    known = (~np.isnan(panel.cost)).sum(axis=1)
    short = "two weeks" if settings.minimum_days == 14 else f"{settings.minimum_days} days"
    reasons = {
        f"less than {short} of history": known < settings.minimum_days,
        "no complete day in the last 8 weeks": seen.seen[0] == 0,
        "no cost in the last 8 weeks": seen.level[0] <= 0,
    }
    note = pl.lit(None, dtype=pl.String)
    for reason, applies in reversed(reasons.items()):
        note = pl.when(pl.Series(applies)).then(pl.lit(reason)).otherwise(note)
    return pl.select(note.alias("note")).to_series()
