"""Forecasts of daily cost and of a period's remaining cost, with intervals, from the series' own past.

The public functions. `panel` lays out the past, `methods` forecasts, `backtest` and `intervals` measure how sure the
forecasts are. Budgets and their states belong in `model.budgets`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from circleci_cost.model.calendar.definition import DEFAULT_CALENDAR, Calendar
from circleci_cost.model.forecast.backtest import (
    BACKTEST_SCHEMA,
    Span,
    backtest_of,
    best_method,
    daily_errors,
    rolling_errors,
)
from circleci_cost.model.forecast.intervals import (
    LEVELS,
    MEDIAN,
    expected_error_of_day,
    expected_error_of_sum,
    probability_above,
)
from circleci_cost.model.forecast.methods import METHODS, History, Outlook, history_of, outlook
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


def forecast(daily: pl.DataFrame, until: date, settings: ForecastSettings = DEFAULTS) -> pl.DataFrame:
    """Forecast each day from the one after the last day of all series to `until`.

    In: as `panel.panel_of` takes it. Out: `FORECAST_SCHEMA`, ordered by series and date, in the unit of `cost`;
    no row where `until` is not after the last day. The medians of a series add up to that of `forecast_total`;
    the intervals do not, because days are not independent.
    """
    panel = panel_of(daily)
    days = _days_ahead(panel, until)
    if not days:
        return pl.DataFrame(schema=FORECAST_SCHEMA)
    history = _history(panel, until, settings)
    method = _method(history, settings)
    cut = panel.days - 1
    seen = outlook(history, cut, days)
    path = seen.paths[method]
    ahead = np.arange(1, days + 1)
    expected = expected_error_of_day(seen, path, ahead, settings.minimum_days)
    quantiles = [
        calibration.quantiles(cut) for calibration in daily_errors(history, method, _LEADS, settings.minimum_days)
    ]
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


def forecast_total(daily: pl.DataFrame, until: date, settings: ForecastSettings = DEFAULTS) -> pl.DataFrame:
    """Forecast the sum of the days from the one after the last day of all series to `until`.

    Out: `TOTAL_SCHEMA`, a row per series. `days` is the number of remaining days; without any, every sum is exactly 0.
    `quantiles` are those at `intervals.LEVELS`, for `probability_over`. `note` says why a forecast is unsure.
    """
    panel = panel_of(daily)
    if not len(panel.names):
        return pl.DataFrame(schema=TOTAL_SCHEMA)
    days = _days_ahead(panel, until)
    history = _history(panel, until, settings)
    cut = panel.days - 1
    seen = outlook(history, cut, max(days, 1))
    quantiles = _quantiles(history, seen, days, settings) if days else np.zeros((len(panel.names), len(LEVELS)))
    columns = {"median": 0.5, "p10": 0.1, "p90": 0.9, "p025": 0.025, "p975": 0.975}
    return pl.DataFrame(
        {
            "series": panel.names,
            "days": np.full(len(panel.names), days),
            **{name: quantiles[:, LEVELS.index(level)] for name, level in columns.items()},
            "quantiles": pl.Series(quantiles, dtype=pl.Array(pl.Float64, len(LEVELS))).arr.to_list(),
            "note": _notes(panel, seen, settings),
        }
    ).cast(TOTAL_SCHEMA)


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
    panel = panel_of(daily)
    if not len(panel.names):
        return pl.DataFrame(schema=BACKTEST_SCHEMA)
    return backtest_of(_history(panel, panel.last, settings), settings.minimum_days)


def choose_method(backtest: pl.DataFrame) -> str:
    """Return the method with the least WAPE in a `backtest`, averaged over its cut days.

    The mean of the methods is the default; another method must be better by more than 2 %.
    """
    return best_method(backtest)


def _days_ahead(panel: Panel, until: date) -> int:
    return max(0, (until - panel.last).days) if len(panel.names) else 0


def _history(panel: Panel, until: date, settings: ForecastSettings) -> History:
    """Return the panel with a calendar that reaches a month beyond both its last day and `until`."""
    days = (max(until, panel.last) - panel.first + timedelta(days=32)).days
    return history_of(panel, calendar_days(panel.first, days, settings.calendar))


def _method(history: History, settings: ForecastSettings) -> str:
    return settings.method or best_method(backtest_of(history, settings.minimum_days, intervals=False))


def _quantiles(history: History, seen: Outlook, days: int, settings: ForecastSettings) -> Floats:
    """Return the quantiles of the remaining sum [series × `LEVELS`].

    The errors come from spans as long as the remaining one, or the longest that fits several times into the history.
    """
    panel = history.panel
    cut = panel.days - 1
    method = _method(history, settings)
    span = Span(0, min(days, max(7, (panel.days - settings.minimum_days) // 3)))
    calibration = rolling_errors(history, [span], [method], settings.minimum_days)[method, span]
    size, shape = calibration.quantiles(cut)
    expected = expected_error_of_sum(seen, days, settings.minimum_days)
    median = seen.paths[method].sum(axis=1)
    quantiles = np.maximum(median[:, None] + (expected * size)[:, None] * shape, 0.0)
    quantiles[:, MEDIAN] = median
    return np.asarray(quantiles)


def _notes(panel: Panel, seen: Outlook, settings: ForecastSettings) -> pl.Series:
    """For each series, why its forecast is unsure; null if it is not."""
    known = (~np.isnan(panel.cost)).sum(axis=1)
    short = "two weeks" if settings.minimum_days == 14 else f"{settings.minimum_days} days"
    reasons = {
        f"less than {short} of history": known < settings.minimum_days,
        "no complete day in the last 8 weeks": seen.seen == 0,
        "no cost in the last 8 weeks": seen.level <= 0,
    }
    note = pl.lit(None, dtype=pl.String)
    for reason, applies in reversed(reasons.items()):
        note = pl.when(pl.Series(applies)).then(pl.lit(reason)).otherwise(note)
    return pl.select(note.alias("note")).to_series()
