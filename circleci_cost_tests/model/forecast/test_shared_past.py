"""Forecasts from many past days at once, and to several days, are those from and to each day by itself, to the bit."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.forecast.forecasting import Forecaster, ForecastSettings, backtest, forecast, forecast_total
from circleci_cost.model.forecast.history import history_of
from circleci_cost.model.forecast.methods import METHODS, outlook, run_rates, weekday_means
from circleci_cost.model.forecast.panel import calendar_days, panel_of

FIRST, DAYS = date(2025, 11, 3), 210
LAST = FIRST + timedelta(days=DAYS - 1)
SETTINGS = ForecastSettings(Calendar(country="DE"), method="mean")
ALL = ("steady", "billed", "new", "resting", "rising", "stepping", "rare")
# The nearest days, and those of a month and a quarter.
UNTIL = [LAST + timedelta(days=days) for days in (0, 3, 4, 92)]


def several(
    series: Sequence[str] = ("steady", "billed", "new", "resting", "rising", "stepping", "rare"),
) -> pl.DataFrame:
    """Series of many sorts, with a bill on each first Monday, unknown days, and holidays among the days."""
    draw = np.random.default_rng(11)
    dates = [FIRST + timedelta(days=number) for number in range(DAYS)]
    number, week = np.arange(DAYS), np.array([1.0 if day.weekday() < 5 else 0.2 for day in dates])
    shapes = {
        "steady": week,
        "billed": week + np.array([9.0 * (day.weekday() == 0 and day.day <= 7) for day in dates]),
        "new": week * (number >= 170),
        "resting": week * ((number < 90) | (number > 150)),
        "rising": week * (1.0 + number / 60.0),
        "stepping": week * np.where(number > 203, 3.0, 1.0),
        "rare": 1.0 * (draw.random(DAYS) < 0.1),
    }
    return pl.concat(
        pl.DataFrame(
            {"series": name, "date": dates, "cost": 40 * shapes[name] * np.exp(0.2 * draw.standard_normal(DAYS))}
        )
        .with_columns(complete=pl.Series(draw.random(DAYS) > 0.02))
        .slice(170 if name == "new" else 0)
        for name in series
    )


@pytest.mark.parametrize("names", [("steady",), ("billed", "resting"), None])
def test_many_days_are_forecast_from_at_once_as_each_day_by_itself(names: Sequence[str] | None) -> None:
    panel = panel_of(several(names) if names else several())
    history = history_of(panel, calendar_days(FIRST, DAYS + 62, SETTINGS.calendar))
    cuts = np.array([3, 13, 50, 90, 120, 154, 176, 206, DAYS - 1])
    together, weekdays = outlook(history, cuts, 31), weekday_means(history, cuts)
    rated = run_rates(history, cuts, 20, 31, weekdays)
    for number, cut in enumerate(cuts):
        alone, own = outlook(history, cuts[number : number + 1], 31), weekdays[number : number + 1]
        for name in METHODS:
            assert np.array_equal(together.paths(31)[name][number], alone.paths(31)[name][0]), (name, cut)
        for name, rates in run_rates(history, cuts[number : number + 1], 20, 31, own).items():
            assert np.array_equal(rated[name][number], rates[0]), (name, cut)
        for name in ("level", "scatter", "former", "seen"):
            assert np.array_equal(getattr(together, name)[number], getattr(alone, name)[0]), (name, cut)


def test_forecasts_to_several_days_are_those_to_each_day_alone() -> None:
    daily = several()
    forecaster = Forecaster(daily, UNTIL, SETTINGS)
    assert_frame_equal(forecaster.backtest(), backtest(daily, SETTINGS), check_exact=True)
    # In this order the past was looked at for another day before.
    for until in (*UNTIL, *UNTIL[:2]):
        assert_frame_equal(forecaster.forecast(until), forecast(daily, until, SETTINGS), check_exact=True)
        assert_frame_equal(forecaster.forecast_total(until), forecast_total(daily, until, SETTINGS), check_exact=True)


def test_the_past_of_more_series_than_are_kept_is_forecast_from_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def made() -> list[pl.DataFrame]:
        forecaster = Forecaster(several(), UNTIL, SETTINGS)
        return [
            forecaster.backtest(),
            forecaster.forecast(UNTIL[-1]),
            forecaster.forecast_total(UNTIL[2]),
        ]

    kept = made()
    monkeypatch.setattr("circleci_cost.model.forecast.backtest._KEPT_VALUES", 0)
    monkeypatch.setattr("circleci_cost.model.forecast.backtest._ROWS", 20)
    for former, again in zip(kept, made(), strict=True):
        assert_frame_equal(former, again, check_exact=True)
