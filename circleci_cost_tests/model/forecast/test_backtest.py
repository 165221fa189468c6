from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.forecast.forecasting import ForecastSettings, backtest, choose_method, forecast_total
from circleci_cost.model.forecast.intervals import Errors, calibrate

FIRST = date(2026, 1, 2)
WEEK = np.array([100.0, 120, 125, 118, 90, 10, 12])


def noisy_series(count: int, last: date, scale: float = 0.25) -> pl.DataFrame:
    """Series of one rhythm with lognormal days; the same days whatever the last one is."""
    days = (last - FIRST).days + 1
    parts = []
    for number in range(count):
        draws = np.random.default_rng(number).standard_normal(600)[:days]
        weekday = (np.arange(days) + FIRST.weekday()) % 7
        parts.append(
            pl.DataFrame(
                {
                    "series": f"s{number:03}",
                    "date": pl.date_range(FIRST, last, eager=True),
                    "cost": WEEK[weekday] * np.exp(scale * draws),
                }
            )
        )
    return pl.concat(parts)


def table(frame: pl.DataFrame, method: str) -> pl.DataFrame:
    return frame.filter(pl.col("method") == method).sort("cut_day")


def scores(**wape: float) -> pl.DataFrame:
    return pl.DataFrame({"cut_day": 10, "method": list(wape), "wape": list(wape.values())})


def test_every_whole_month_is_a_window_of_each_series_at_each_cut() -> None:
    results = backtest(noisy_series(3, date(2026, 4, 29)))
    # January is not whole, April neither; on 5 February there are five weeks of history.
    assert set(results["windows"]) == {3 * 2}
    assert sorted(set(results["cut_day"])) == [5, 10, 15, 20]
    assert set(results["method"]) == {
        *("mean", "weekday_8_weeks", "weekday_4_weeks", "seasonal_ses"),
        *("run_rate", "weekday_run_rate"),
    }


def test_a_weekly_rhythm_without_noise_has_no_error_but_the_run_rate_has() -> None:
    results = backtest(noisy_series(2, date(2026, 6, 30), scale=0.0))
    assert table(results, "mean")["wape"].to_list() == pytest.approx([0.0] * 4, abs=1e-9)
    assert table(results, "weekday_run_rate")["wape"].to_list() == pytest.approx([0.0] * 4, abs=1e-9)
    assert min(table(results, "run_rate")["wape"].to_list()) > 0.01


def test_intervals_cover_their_share_of_noisy_months() -> None:
    results = table(backtest(noisy_series(150, date(2026, 12, 23))), "mean")
    assert results["coverage_80"].is_between(0.77, 0.85).all(), results
    assert results["coverage_95"].is_between(0.93, 0.98).all(), results


def test_the_backtest_beats_the_run_rates_and_errs_less_the_later_the_cut() -> None:
    results = backtest(noisy_series(30, date(2026, 12, 23)))
    mean = table(results, "mean")["wape"].to_list()
    assert mean == sorted(mean, reverse=True)
    for peer in ("run_rate", "weekday_run_rate"):
        assert all(ours < theirs for ours, theirs in zip(mean, table(results, peer)["wape"], strict=True))


def test_what_comes_later_changes_no_earlier_window() -> None:
    """A month that nothing could foresee adds windows without a hit, and takes none from those before."""
    calm = noisy_series(20, date(2026, 11, 30))
    wild = pl.concat(
        [
            calm,
            noisy_series(20, date(2026, 12, 31))
            .filter(pl.col("date") > date(2026, 11, 30))
            .with_columns(pl.when(pl.col("date") > date(2026, 12, 20)).then(pl.col("cost") * 1000).otherwise("cost")),
        ]
    )
    hits = {}
    for name, frame in {"calm": calm, "wild": wild}.items():
        results = backtest(frame).filter(pl.col("cut_day") == 20)
        hits[name] = results.select(
            "method",
            *(((pl.col(c) * pl.col("windows")).round().cast(pl.Int64)) for c in ("coverage_80", "coverage_95")),
        ).rows()
    assert hits["wild"] == hits["calm"]


def test_the_forecast_of_a_past_day_is_the_same_from_the_days_before_it_alone() -> None:
    """The backtest's error at a cut is that of a forecast made with the history cut off there."""
    whole = noisy_series(10, date(2026, 6, 30))
    cut = date(2026, 6, 10)
    settings = ForecastSettings(method="weekday_8_weeks")
    results = forecast_total(whole.filter(pl.col("date") <= cut), date(2026, 6, 30), settings)
    june = whole.filter(pl.col("date") >= date(2026, 6, 1))
    remaining = june.filter(pl.col("date") > cut).group_by("series").agg(pl.col("cost").sum()).sort("series")
    june_error = (results["median"] - remaining["cost"]).abs().sum()

    def wrong(frame: pl.DataFrame) -> float:
        row = backtest(frame).filter(pl.col("cut_day") == 10, pl.col("method") == "weekday_8_weeks").row(0, named=True)
        total = frame.filter(pl.col("date") >= date(2026, 2, 1))["cost"].sum()
        return float(row["wape"]) * float(total)

    before = wrong(whole.filter(pl.col("date") <= date(2026, 5, 31)))
    assert wrong(whole) - before == pytest.approx(june_error)


def test_incomplete_days_do_not_take_the_window_away() -> None:
    frame = noisy_series(4, date(2026, 6, 30), scale=0.0)
    holes = frame.with_columns(complete=pl.col("date").dt.day() != 22)
    results = table(backtest(holes), "mean")
    assert results["wape"].to_list() == pytest.approx([0.0] * 4, abs=1e-9)
    assert results["windows"].to_list() == table(backtest(frame), "mean")["windows"].to_list()


def test_series_without_cost_are_no_windows() -> None:
    frame = noisy_series(2, date(2026, 6, 30))
    idle = frame.with_columns(pl.col("series") + " idle", pl.col("cost") * 0)
    assert set(backtest(pl.concat([frame, idle]))["windows"]) == set(backtest(frame)["windows"])


def test_a_history_without_a_whole_month_has_no_backtest_and_takes_the_mean() -> None:
    results = backtest(noisy_series(2, FIRST + timedelta(days=40)))
    assert results.is_empty()
    assert backtest(noisy_series(1, FIRST).clear()).is_empty()
    assert choose_method(results) == "mean"


def test_the_method_with_the_least_error_is_chosen_where_it_is_clearly_better() -> None:
    assert choose_method(scores(mean=0.10, weekday_8_weeks=0.09, weekday_4_weeks=0.12)) == "weekday_8_weeks"
    assert choose_method(scores(mean=0.10, weekday_8_weeks=0.099)) == "mean"


def test_run_rates_are_there_to_compare_with_and_never_chosen() -> None:
    assert choose_method(scores(mean=0.10, run_rate=0.01)) == "mean"


def test_the_forecast_is_made_by_the_method_that_the_backtest_chooses() -> None:
    """A rhythm that doubles every fourth week suits the longest memory; whichever wins, the forecast follows it."""
    days = 360
    values = np.where(np.arange(days) // 7 % 8 < 4, 100.0, 110.0) * np.exp(
        0.02 * np.random.default_rng(1).standard_normal(days)
    )
    frame = pl.DataFrame(
        {"series": "a", "date": pl.date_range(FIRST, FIRST + timedelta(days=days - 1), eager=True), "cost": values}
    )
    until = FIRST + timedelta(days=days + 20)
    chosen = choose_method(backtest(frame))
    assert chosen != "mean"
    free, fixed = (forecast_total(frame, until, ForecastSettings(method=method)) for method in (None, chosen))
    assert free.equals(fixed)
    assert not free.equals(forecast_total(frame, until, ForecastSettings(method="mean")))


def test_only_errors_whose_days_have_all_passed_are_learned_from() -> None:
    draw = np.random.default_rng(7)
    cuts, horizon, today = np.arange(13, 300, 4), 20, 201
    values = draw.standard_normal((len(cuts), 5))
    passed = cuts + horizon <= today
    later, earlier = values.copy(), values.copy()
    later[~passed] *= 100
    earlier[passed] *= 100

    def quantiles(errors: np.ndarray) -> tuple[list[float], list[float]]:
        size, shape = calibrate(Errors(cuts, horizon, errors, 0.2)).quantiles(today)
        return size.tolist(), shape.tolist()

    assert quantiles(later) == quantiles(values)
    assert quantiles(earlier) != quantiles(values)
    assert passed[cuts <= today].sum() < (cuts <= today).sum()  # some were under way
