"""A day is judged by the days before it alone, and what was unusual in the past does not blind the detector."""

from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.calendar.definition import Calendar
from circleci_cost_tests.model.anomalies.builders import (
    PRICE,
    alarm_days,
    alarms,
    day,
    drawn,
    factors,
    once,
    only_costs,
    place,
    ramp,
    row_of,
)

DAYS = 130


def of_every_sort() -> pl.DataFrame:
    """Series with all kinds of changes, sparse, new, ended and empty ones, with prices that come, change and go."""
    unpriced, mixed = np.full(DAYS, PRICE), PRICE * (1 + 0.2 * np.random.default_rng(5).random(DAYS))
    unpriced[:40] = 0
    some = [
        drawn(DAYS, 1, "quiet"),
        drawn(DAYS, 2, "spikes", times_runs=once(DAYS, [30, 60, 61, 90], 4.0)),
        drawn(DAYS, 3, "outages", times_runs=once(DAYS, [31, 59, 60, 61], 0.0)),
        drawn(DAYS, 4, "shift", times_runs=factors(DAYS, {70: 1.8})),
        drawn(DAYS, 5, "drift", times_run=ramp(DAYS, 40, 40, 2.0)),
        drawn(DAYS, 6, "class", times_run=factors(DAYS, {50: 2.0, 100: 0.5})),
        *(drawn(DAYS, 7, f"price {at}", price=PRICE * factors(DAYS, {at: 1.2})) for at in (3, 9, 14, 15, 19, 80)),
        drawn(DAYS, 8, "prices", price=mixed),
        drawn(DAYS, 9, "priced later", price=unpriced),
        drawn(DAYS, 10, "sparse", runs=0.2, week=np.ones(7), price=PRICE * factors(DAYS, {60: 1.3, 90: 1.0})),
        drawn(DAYS, 11, "zeros first", times_runs=factors(DAYS, {0: 0.0, 35: 1.0})),
        drawn(DAYS - 60, 12, "new", first=day(60)),
        drawn(70, 13, "ended"),
        drawn(DAYS, 14, "zero", times_runs=0.0),
        drawn(DAYS, 15, "credits later").with_columns(
            pl.when(pl.col("date") >= day(50)).then("credits").alias("credits")
        ),
        drawn(DAYS, 16, "costs alone").with_columns(
            pl.lit(None, pl.Float64()).alias(name) for name in ("credits", "runs")
        ),
    ]
    complete = ~pl.col("date").is_in([day(25), day(77)]) | (pl.col("series") != "quiet")
    return pl.concat(some).filter(pl.col("date") != day(45)).with_columns(complete=complete)


@pytest.mark.parametrize("end", [*range(14, 24), 36, 47, 61, 62, 81, 95, 109, 129])
def test_what_comes_later_changes_no_row_of_a_day(end: int) -> None:
    daily = of_every_sort()
    past = detect(daily.filter(pl.col("date") < day(end)))
    assert_frame_equal(past, detect(daily).filter(pl.col("date") < day(end)), check_exact=True)


def test_what_comes_later_changes_no_row_of_a_day_around_holidays() -> None:
    calendar = Calendar(country="US", closures=(date(2026, 12, 11),))
    first = date(2026, 10, 5)
    daily = drawn(120, 3, first=first)
    whole = detect(daily, calendar=calendar)
    for when in (*(date(2026, 11, number) for number in range(24, 31)), *(date(2026, 12, n) for n in range(22, 32))):
        past = detect(daily.filter(pl.col("date") <= when), calendar=calendar)
        assert_frame_equal(past, whole.filter(pl.col("date") <= when), check_exact=True)


def test_a_day_added_each_day_gives_the_alarms_of_the_whole() -> None:
    daily = of_every_sort().filter(pl.col("series").is_in(["spikes", "class", "price 80"]))
    last_days = [
        detect(daily.filter(pl.col("date") <= day(n))).filter(pl.col("date") == day(n)) for n in range(80, 106)
    ]
    assert_frame_equal(
        pl.concat(last_days).sort("series", "date"), detect(daily).filter(pl.col("date").is_between(day(80), day(105)))
    )


def test_past_spikes_do_not_hide_a_later_one() -> None:
    at = [30, 38, 50, 65, 80, 101, 120]  # of no monthly rhythm
    daily = pl.concat(drawn(DAYS, seed, f"s{seed}", times_runs=once(DAYS, at, 5.0)) for seed in range(5))
    judged = detect(daily).filter("is_anomaly", pl.col("date").is_in([day(number) for number in at]))
    assert judged.height == 5 * len(at)


def test_an_outage_of_a_week_does_not_become_what_is_expected() -> None:
    down = drawn(DAYS, 4, times_runs=once(DAYS, range(63, 68), 0.0))
    judged = detect(down)
    before, after = row_of(judged, 57)["expected"], row_of(judged, 71)["expected"]
    assert after > 0.7 * before
    assert not set(alarm_days(down)) & set(range(80, DAYS))


def test_one_giant_run_alarms_and_does_not_widen_the_spread() -> None:
    giant = {"credits": 30_000.0, "cost": 30_000 * PRICE, "cost_squared": (30_000 * PRICE) ** 2, "runs": 1.0}
    quiet = drawn(DAYS, 6)
    then = pl.when(pl.col("date") == day(50))
    daily = quiet.with_columns(
        then.then(pl.col(name) + value).otherwise(name).alias(name) for name, value in giant.items()
    )
    judged, usual = detect(daily), detect(quiet)
    assert row_of(judged, 50)["is_anomaly"]
    for number in (51, 57, 64):
        seen, wanted = row_of(judged, number), row_of(usual, number)
        assert seen["upper"] - seen["lower"] < 1.5 * (wanted["upper"] - wanted["lower"])
    assert alarm_days(quiet) == []
    assert alarm_days(daily, since=52) == []


def test_a_day_that_single_dear_runs_explain_is_less_unusual_than_one_of_many_runs() -> None:
    quiet = drawn(60, 6)
    cost = row_of(detect(quiet), 50)["value"]
    then = pl.when(pl.col("date") == day(50))
    many = quiet.with_columns(
        then.then(pl.col("cost", "cost_squared", "credits", "runs") * 2.2).otherwise(
            pl.col("cost", "cost_squared", "credits", "runs")
        )
    )
    of_one_run = many.with_columns(then.then(pl.lit((1.2 * cost) ** 2)).otherwise("cost_squared").alias("cost_squared"))
    score_of_many, score_of_one = (row_of(detect(costs.drop("runs")), 50)["score"] for costs in (many, of_one_run))
    assert score_of_one < 0.8 * score_of_many


def test_series_of_zeros_and_constants_raise_nothing() -> None:
    frames = [only_costs(np.full(400, value), f"of {value}") for value in (0.0, 1e-9, 1.0, 1e12)]
    judged = detect(pl.concat(frames))
    assert judged.get_column("is_anomaly").sum() == 0
    zeros = judged.filter(series="of 0.0")
    assert zeros.get_column("score").drop_nulls().unique().to_list() == [0.0]
    assert zeros.get_column("expected").drop_nulls().max() == pytest.approx(0.0, abs=1e-9)


def test_first_usage_after_weeks_of_zeros_alarms_at_once() -> None:
    daily = drawn(60, 1, times_runs=factors(60, {0: 0.0, 40: 1.0}))
    assert alarms(daily)[0] == (40, "new", "up")


def test_each_series_is_judged_from_its_own_fifteenth_day_on() -> None:
    daily = pl.concat([drawn(60, 1, "old"), drawn(20, 2, "new", first=day(40))])
    judged = detect(daily).filter(pl.col("expected").is_not_null())
    firsts = dict(judged.group_by("series").agg(pl.col("date").min()).iter_rows())
    assert {name: place(when) for name, when in firsts.items()} == {"old": 14, "new": 54}
