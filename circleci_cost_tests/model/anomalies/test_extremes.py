"""Days without a scale: corrections, first usage after months of nothing, numbers as small or large as floats are."""

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.anomalies.rows import MOST_SCORE
from circleci_cost_tests.model.anomalies.builders import (
    PRICE,
    alarms,
    day,
    drawn,
    factors,
    once,
    only_costs,
    row_of,
)

DAYS = 120
AT = 92
NUMBERS = ("value", "expected", "lower", "upper", "score")


def corrected(cost: float) -> pl.DataFrame:
    """A quiet series with a correction on a day."""
    return drawn(DAYS, 1).with_columns(
        pl.when(pl.col("date") == day(AT)).then(pl.lit(cost)).otherwise("cost").alias("cost")
    )


@pytest.mark.parametrize("columns", [("credits", "runs", "cost_squared"), ("runs",), ()])
def test_a_correction_is_shown_as_it_is_and_neither_judged_nor_learned_from(columns: tuple[str, ...]) -> None:
    daily = corrected(-40.0).select("series", "date", "cost", *columns)
    judged = detect(daily)
    row = row_of(judged, AT)
    assert (row["value"], row["note"]) == (-40.0, "a correction: the cost of the day is negative")
    assert [row[name] for name in ("expected", "score", "kind", "direction", "is_anomaly")] == [None] * 4 + [False]
    unknown = detect(daily.with_columns((pl.col("date") != day(AT)).alias("complete")))
    assert judged.filter(pl.col("date") != day(AT)).equals(unknown.filter(pl.col("date") != day(AT)))


def test_rows_that_correct_a_part_of_a_day_lower_it() -> None:
    part = pl.DataFrame({"series": ["a"], "date": [day(AT)], "cost": [-0.5]})
    quiet = drawn(DAYS, 1).select("series", "date", "cost")
    assert row_of(detect(pl.concat([quiet, part])), AT)["value"] == row_of(detect(quiet), AT)["value"] - 0.5


def test_a_correction_of_an_early_day_is_noted_as_one() -> None:
    judged = detect(only_costs([1.0, -2.0, 1.0]))
    assert judged.get_column("value").to_list() == [1.0, -2.0, 1.0]
    assert judged.get_column("note").to_list()[1] == "a correction: the cost of the day is negative"


@pytest.mark.parametrize("value", [0.01, 100.0, 1e12])
def test_the_first_usage_after_a_year_of_nothing_is_new_with_the_highest_score(value: float) -> None:
    judged = detect(only_costs([0.0] * 365 + [value]))
    row = row_of(judged, 365)
    assert (row["kind"], row["direction"], row["score"]) == ("new", "up", MOST_SCORE)
    assert row["value"] == value


def test_no_score_is_above_the_highest_but_that_of_a_price_which_tells_its_step() -> None:
    giant = drawn(DAYS, 1, times_run=once(DAYS, [AT], 1e6))
    assert row_of(detect(giant), AT)["score"] == MOST_SCORE
    dearer = row_of(detect(drawn(DAYS, 1, price=PRICE * factors(DAYS, {AT: 50.0}))), AT)
    assert (dearer["kind"], dearer["score"]) == ("price_change", pytest.approx(4900))


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e-9, 1e9, 1e100])
def test_numbers_of_any_size_give_finite_numbers(size: float) -> None:
    costs = np.tile([5.0, 6.0, 5.0, 4.0, 5.0, 0.0, 0.0], 20) * size
    costs[AT] *= 6
    judged = detect(only_costs(costs)).filter(pl.col("note").is_null())
    assert judged.select(pl.col(NUMBERS).is_finite().all()).row(0) == (True,) * len(NUMBERS)


def test_free_and_unpriced_usage_gives_finite_numbers() -> None:
    for times in (once(DAYS, range(60, 70), 0.0), factors(DAYS, {60: 0.0}), factors(DAYS, {0: 0.0, 60: 1.0})):
        judged = detect(drawn(DAYS, 1, price=PRICE * times)).filter(pl.col("note").is_null())
        assert judged.select(pl.col(NUMBERS).is_finite().all()).row(0) == (True,) * len(NUMBERS)


def test_credits_without_runs_and_runs_without_credits_give_finite_numbers() -> None:
    quiet = drawn(DAYS, 1)
    for name in ("credits", "runs", "cost_squared", "cost"):
        odd = quiet.with_columns(pl.when(pl.col("date") < day(AT)).then(name).otherwise(0.0).alias(name))
        judged = detect(odd).filter(pl.col("note").is_null())
        assert judged.select(pl.col(NUMBERS).is_finite().all()).row(0) == (True,) * len(NUMBERS)


def test_an_alarm_points_the_way_of_its_day() -> None:
    draw = np.random.default_rng(3)
    changes = [
        drawn(
            200,
            number,
            f"s{number:02}",
            runs=float(np.exp(draw.uniform(0, 4))),
            times_runs=factors(200, {60: 0.7, 120: 1.6}),
            times_run=factors(200, {60: 1.5, 120: 0.6}),
            dispersion=20,
        )
        for number in range(60)
    ]
    in_alarm = detect(pl.concat(changes)).filter("is_anomaly")
    assert in_alarm.height > 60
    up = pl.col("direction") == "up"
    other_way = (up & (pl.col("value") < 0.8 * pl.col("expected"))) | (
        ~up & (pl.col("value") > 1.2 * pl.col("expected"))
    )
    assert in_alarm.filter(other_way).height == 0


def test_a_stop_scores_the_more_the_more_runs_were_sure_to_come() -> None:
    scores = []
    for runs in (40.0, 200.0, 2000.0):
        daily = drawn(DAYS, 5, runs=runs, dispersion=12.0, times_runs=once(DAYS, [AT], 0.0))
        row = row_of(detect(daily), AT)
        assert (row["kind"], row["value"]) == ("outage", 0.0)
        assert row["lower"] > 0
        scores.append(row["score"])
    assert scores[0] < scores[1] < scores[2]
    assert scores[2] > 1.6


def test_stops_alarm_where_days_vary_much() -> None:
    for seed in range(5):
        daily = drawn(DAYS, seed, runs=400.0, dispersion=6.0, times_runs=once(DAYS, [AT], 0.0))
        assert (AT, "outage", "down") in alarms(daily)
