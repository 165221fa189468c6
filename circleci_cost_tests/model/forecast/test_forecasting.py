from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.model.forecast.forecasting import ForecastSettings, forecast, forecast_total, probability_over

FIRST = date(2026, 2, 2)  # a Monday, and no day from 24 December to 1 January within ten months
WEEK = [100.0, 120.0, 125.0, 118.0, 90.0, 10.0, 12.0]
MEAN = ForecastSettings(method="mean")


def daily(first: date = FIRST, **series: Sequence[float | None] | np.ndarray) -> pl.DataFrame:
    """Series that begin on the same day; None stands for a day without a row."""
    return together(series, first)


def together(series: Mapping[str, Sequence[float | None] | np.ndarray], first: date = FIRST) -> pl.DataFrame:
    return pl.concat(
        pl.DataFrame({"series": name, "date": pl.date_range(first, first + timedelta(days=len(v) - 1), eager=True)})
        .with_columns(pl.Series("cost", v, dtype=pl.Float64))
        .drop_nulls()
        for name, v in series.items()
    )


def weeks(count: int, level: float = 1.0) -> np.ndarray:
    return np.tile(WEEK, count) * level


def noisy(values: np.ndarray, seed: int, scale: float = 0.1) -> np.ndarray:
    return values * np.exp(scale * np.random.default_rng(seed).standard_normal(len(values)))


def after(frame: pl.DataFrame, days: int) -> date:
    last = frame["date"].max()
    assert isinstance(last, date)
    return last + timedelta(days=days)


def total(frame: pl.DataFrame, days: int, settings: ForecastSettings = MEAN, series: str = "a") -> dict[str, Any]:
    return forecast_total(frame, after(frame, days), settings).row(by_predicate=pl.col("series") == series, named=True)


def mixed(seed: int = 5) -> pl.DataFrame:
    """Series of every sort: steady, sparse, new, ended, empty, with spikes, on a slope."""
    draw = np.random.default_rng(seed)
    days = 200
    spiky = noisy(np.full(days, 20.0), seed)
    spiky[[40, 90, 185]] *= 30
    return daily(
        steady=noisy(weeks(29)[:days], seed),
        sparse=np.where(draw.random(days) < 0.1, 50.0, 0.0),
        new=[*[None] * 190, *noisy(np.full(10, 40.0), seed)],
        ended=[*noisy(np.full(100, 30.0), seed), *[None] * 100],
        zero=np.zeros(days),
        spiky=spiky,
        falling=np.maximum(0.0, np.linspace(100, -20, days)),
    )


def test_a_weekly_rhythm_is_continued_exactly() -> None:
    forecasts = forecast(daily(a=weeks(12)), FIRST + timedelta(days=84 + 34), MEAN)
    assert forecasts["median"].to_list() == pytest.approx(WEEK * 5)


def test_a_weekly_rhythm_is_continued_from_any_weekday() -> None:
    forecasts = forecast(daily(a=weeks(12)[:-3]), FIRST + timedelta(days=84 + 6), MEAN)
    assert forecasts["date"][0] == FIRST + timedelta(days=81)
    assert forecasts["median"].to_list() == pytest.approx(WEEK[4:] + WEEK)


def test_a_constant_cost_has_a_narrow_interval() -> None:
    row = total(daily(a=[50.0] * 300), 20)
    assert row["median"] == pytest.approx(1000)
    assert row["p975"] - row["p025"] < 0.05 * 1000


def test_noise_widens_the_interval_and_most_totals_fall_into_it() -> None:
    draws = {f"s{n}": noisy(weeks(44), n, 0.3) for n in range(60)}
    past = together({name: values[: 40 * 7] for name, values in draws.items()})
    forecasts = forecast_total(past, after(past, 20), MEAN)
    truth = pl.Series([draws[name][40 * 7 : 40 * 7 + 20].sum() for name in forecasts["series"]])
    covered = (truth >= forecasts["p10"]) & (truth <= forecasts["p90"])
    assert 0.65 <= covered.sum() / covered.len() <= 0.93  # 0.8 ± 2.6 standard deviations of 60 draws


def test_a_level_shift_is_followed_after_two_weeks() -> None:
    before, since = noisy(weeks(12), 1, 0.05), noisy(weeks(2, 2.0), 2, 0.05)
    assert total(daily(a=np.concatenate([before, since])), 28)["median"] == pytest.approx(2 * 4 * sum(WEEK), rel=0.08)


def test_a_shift_down_is_followed_after_two_weeks() -> None:
    before, since = noisy(weeks(12), 1, 0.05), noisy(weeks(2, 0.4), 2, 0.05)
    assert total(daily(a=np.concatenate([before, since])), 28)["median"] == pytest.approx(0.4 * 4 * sum(WEEK), rel=0.1)


def test_a_spike_of_one_day_is_no_new_level() -> None:
    values = weeks(12)
    values[-4] *= 10
    # The spike counts as one and a half times its weekday, in one week of four at most.
    assert total(daily(a=values), 28)["median"] == pytest.approx(4 * sum(WEEK), rel=0.03)


def test_an_outage_of_one_day_is_no_new_level() -> None:
    values = weeks(12)
    values[-4] = 0
    assert total(daily(a=values), 28)["median"] == pytest.approx(4 * sum(WEEK), rel=0.03)


def test_a_steady_rise_is_continued() -> None:
    slope = 100 + 2 * np.arange(160.0)
    past, future = slope[:140], slope[140:]
    # Without a trend the mean of the last eight weeks would be 17 % too low.
    assert total(daily(a=noisy(past, 3, 0.03)), 20)["median"] == pytest.approx(future.sum(), rel=0.04)


def test_a_fall_to_nothing_ends_at_zero() -> None:
    forecasts = forecast(daily(a=np.linspace(300, 3, 100)), FIRST + timedelta(days=400), MEAN)
    assert min(forecasts["median"].to_list()) >= 0
    assert min(forecasts["p10"].to_list()) >= 0


def test_a_run_on_every_monday_is_expected_on_mondays_only() -> None:
    forecasts = forecast(daily(a=np.tile([70.0, 0, 0, 0, 0, 0, 0], 20)), FIRST + timedelta(days=20 * 7 + 27), MEAN)
    assert forecasts["median"].to_list() == pytest.approx([70.0, 0, 0, 0, 0, 0, 0] * 4)


def test_rare_runs_are_expected_at_their_mean_rate() -> None:
    values = np.where(np.random.default_rng(4).random(392) < 0.1, 50.0, 0.0)
    row = total(daily(a=values), 28)
    recent = values[-56:].sum() / 2
    assert recent * 0.5 <= row["median"] <= recent * 1.5
    assert row["p10"] < 0.75 * row["median"]
    assert row["p90"] > 1.25 * row["median"]


def test_an_ended_series_is_expected_to_stay_ended_and_says_so() -> None:
    row = total(daily(a=[*[100.0] * 150, *[None] * 70], other=[10.0] * 220), 30)
    assert row["median"] == 0
    assert 0 < row["p975"] < 0.05 * 3000  # it may come back
    assert row["note"] == "no cost in the last 8 weeks"


def test_a_short_history_is_noted_and_its_interval_is_wide() -> None:
    values = noisy(weeks(30), 8)
    short = total(daily(a=[*[None] * 200, *values[200:]], other=noisy(weeks(30), 9)), 20)
    long = total(daily(a=values, other=noisy(weeks(30), 9)), 20)
    assert short["note"] == "less than two weeks of history"
    assert long["note"] is None
    assert short["p90"] - short["p10"] > 3 * (long["p90"] - long["p10"])


def test_a_new_series_takes_its_weekdays_from_the_others() -> None:
    forecasts = forecast(daily(a=[*[None] * 130, *WEEK[4:7], *WEEK], old=weeks(20)), FIRST + timedelta(days=146), MEAN)
    new = forecasts.filter(pl.col("series") == "a")["median"].to_list()
    assert new == pytest.approx(WEEK)


def test_a_day_without_a_row_is_a_zero() -> None:
    values = np.tile([10.0, 10, 10, 10, 10, 0, 0], 10)
    without = daily(a=values).filter(pl.col("cost") > 0)
    until = FIRST + timedelta(days=90)
    # The last two days are known because another series has them.
    other = daily(b=values + 1)
    assert_frame_equal(
        forecast(pl.concat([without, other]), until, MEAN), forecast(daily(a=values, b=values + 1), until, MEAN)
    )


def test_an_incomplete_day_is_neither_a_zero_nor_an_outage() -> None:
    whole = daily(a=weeks(12)).with_columns(complete=True)
    partial = whole.with_columns(
        complete=pl.col("date") < FIRST + timedelta(days=77),
        cost=pl.when(pl.col("date") < FIRST + timedelta(days=77)).then("cost").otherwise(0.0),
    )
    forecasts = forecast(partial, FIRST + timedelta(days=84 + 6), MEAN)
    assert forecasts["median"].to_list() == pytest.approx(WEEK)


def test_a_gap_of_incomplete_days_does_not_take_the_measured_errors_away() -> None:
    whole = daily(a=noisy(weeks(40), 1, 0.1), b=noisy(weeks(40), 2, 0.1))
    gap = whole.with_columns(complete=pl.col("date") <= after(whole, -9))
    before, behind = total(whole, 20), total(gap, 20)
    assert 0.6 < (behind["p90"] - behind["p10"]) / (before["p90"] - before["p10"]) < 1.6


def test_a_history_of_incomplete_days_only_is_noted() -> None:
    row = total(daily(a=weeks(12), b=weeks(12)).with_columns(complete=pl.col("series") == "b"), 7)
    assert row["median"] == 0
    assert row["note"] == "less than two weeks of history"


def test_the_days_add_up_to_the_total() -> None:
    frame = mixed()
    until = after(frame, 45)
    days = forecast(frame, until).group_by("series").agg(pl.col("median").sum()).sort("series")
    assert days["median"].to_list() == pytest.approx(forecast_total(frame, until)["median"].to_list())


def test_the_interval_of_a_total_is_wider_than_that_of_independent_days() -> None:
    frame = mixed()
    forecasts = forecast(frame, after(frame, 25), MEAN).filter(pl.col("series") == "steady")
    independent = float(((forecasts["p90"] - forecasts["p10"]) ** 2).sum()) ** 0.5
    row = total(frame, 25, series="steady")
    assert row["p90"] - row["p10"] > independent


def test_quantiles_are_ordered_and_never_negative() -> None:
    frame = mixed()
    days, totals = forecast(frame, after(frame, 100)), forecast_total(frame, after(frame, 100))
    assert days.filter(
        ~((pl.col("p10") >= 0) & (pl.col("p10") <= pl.col("median")) & (pl.col("median") <= pl.col("p90")))
    ).is_empty()
    ordered = totals.select(pl.concat_list("p025", "p10", "median", "p90", "p975").alias("few"), "quantiles")
    for column in ("few", "quantiles"):
        values = np.array(ordered[column].to_list())
        assert (np.diff(values, axis=1) >= 0).all()
        assert (values >= 0).all()


def test_a_longer_period_is_less_sure() -> None:
    frame = mixed()
    widths = [(row := total(frame, days, series="steady"))["p90"] - row["p10"] for days in (5, 30, 120, 300)]
    assert widths == sorted(widths)
    assert widths[3] > 300 / 30 * widths[1]  # a level wanders: more than in proportion


def test_nothing_depends_on_chance_or_on_the_order_of_rows() -> None:
    frame = mixed()
    until = after(frame, 20)
    assert_frame_equal(forecast(frame, until), forecast(frame.sample(fraction=1, shuffle=True, seed=3), until))
    assert_frame_equal(forecast_total(frame, until), forecast_total(frame.reverse(), until))


def test_the_unit_does_not_matter() -> None:
    frame = mixed()
    cents = frame.with_columns(pl.col("cost") * 100)
    forecasts, scaled = forecast_total(frame, after(frame, 20)), forecast_total(cents, after(frame, 20))
    for name in ("median", "p10", "p975"):
        assert scaled[name].to_list() == pytest.approx((forecasts[name] * 100).to_list())


@pytest.mark.parametrize("dtype", [pl.Decimal(38, 16), pl.Int64(), pl.Float64()])
def test_cost_may_be_any_number(dtype: pl.DataType) -> None:
    whole = daily(a=np.round(weeks(12))).with_columns(pl.col("cost").cast(dtype))
    assert total(whole, 7)["median"] == pytest.approx(sum(WEEK))


def test_rows_of_the_same_day_are_added() -> None:
    half = daily(a=weeks(12, 0.5))
    assert total(pl.concat([half, half]), 7)["median"] == pytest.approx(sum(WEEK))


def test_an_empty_frame_has_no_forecast() -> None:
    empty = daily(a=[1.0]).clear()
    assert forecast(empty, FIRST).is_empty()
    assert forecast_total(empty, FIRST).is_empty()
    assert probability_over(forecast_total(empty, FIRST), pl.Series([], dtype=pl.Float64)).is_empty()


def test_a_series_of_zeros_is_forecast_as_zero() -> None:
    row = total(daily(a=[0.0] * 100), 30)
    assert (row["median"], row["p975"]) == (0, 0)
    assert row["note"] == "no cost in the last 8 weeks"


def test_a_single_day_of_history_is_enough_for_a_wide_forecast() -> None:
    row = total(daily(a=[30.0]), 10)
    assert row["median"] == pytest.approx(300)
    assert row["p90"] > 1.4 * row["median"]


def test_at_the_end_of_the_period_nothing_remains() -> None:
    frame = mixed()
    totals = forecast_total(frame, after(frame, 0))
    assert totals.select("days", "median", "p90", "p975").unique().rows() == [(0, 0.0, 0.0, 0.0)]
    assert forecast(frame, after(frame, 0)).is_empty()
    assert probability_over(totals, pl.repeat(0, totals.height, eager=True)).to_list() == [0.0] * totals.height
    assert probability_over(totals, pl.repeat(-1, totals.height, eager=True)).to_list() == [1.0] * totals.height


def test_the_probability_fits_the_quantiles() -> None:
    frame = daily(a=noisy(weeks(30), 1), b=noisy(weeks(30), 2), new=[*[None] * 205, 9.0, 8.0, 10.0, 9.0, 7.0])
    totals = forecast_total(frame, after(frame, 20))
    assert min(totals["p025"].to_list()) > 0
    for column, probability in {"p025": 0.975, "p10": 0.9, "median": 0.5, "p90": 0.1, "p975": 0.025}.items():
        assert probability_over(totals, column).to_list() == pytest.approx([probability] * totals.height)


def test_the_probability_never_grows_with_the_limit() -> None:
    frame = mixed()
    totals = forecast_total(frame, after(frame, 20))
    highest = max(totals["quantiles"].list.max().to_list())
    limits = np.concatenate([[-1.0], np.linspace(0, 2 * highest, 400)])
    forecasts = np.stack([probability_over(totals, pl.repeat(x, totals.height, eager=True)).to_numpy() for x in limits])
    assert (np.diff(forecasts, axis=0) <= 1e-12).all()
    assert ((forecasts >= 0) & (forecasts <= 1)).all()
    assert (forecasts[0] == 1).all()
    assert forecasts[-1].max() < 0.005


def test_a_limit_may_be_an_exact_decimal_and_may_be_missing() -> None:
    totals = forecast_total(frame := daily(a=noisy(weeks(30), 1), b=noisy(weeks(30), 2)), after(frame, 20), MEAN)
    limits = pl.Series([Decimal("1.5"), None], dtype=pl.Decimal(38, 6))
    assert probability_over(totals, limits).to_list() == [pytest.approx(1.0, abs=0.005), None]


def test_limits_of_another_length_are_refused() -> None:
    totals = forecast_total(frame := daily(a=weeks(30)), after(frame, 20), MEAN)
    with pytest.raises(ValueError, match="2 limits do not fit 1 totals"):
        probability_over(totals, pl.Series([1, 2]))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(ValueError, match="lack the column 'cost'"):
        forecast(daily(a=weeks(3)).drop("cost"), FIRST)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValueError, match="no forecast method is called 'prophet'"):
        ForecastSettings(method="prophet")
    with pytest.raises(ValueError, match="minimum_days is 3"):
        ForecastSettings(minimum_days=3)


def test_a_row_without_a_series_is_refused() -> None:
    with pytest.raises(ValueError, match="no series or no date"):
        forecast(daily(a=weeks(3)).with_columns(series=pl.lit(None, dtype=pl.String)), FIRST)


def test_ended_series_do_not_make_the_others_look_surer() -> None:
    frame = daily(a=noisy(weeks(40), 1, 0.3), b=noisy(weeks(40), 2, 0.3))
    ended = together({f"ended-{n}": [*noisy(np.full(40, 10.0), n, 0.3), *[None] * 240] for n in range(20)})
    alone, among = total(frame, 20), total(pl.concat([frame, ended]), 20)
    assert among["p90"] - among["p10"] > 0.8 * (alone["p90"] - alone["p10"])
