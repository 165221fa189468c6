"""What the detector of anomalies takes and gives: columns, types, rows in any order, values that are not there."""

from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.model.anomalies.detection import ANOMALY_SCHEMA, KINDS, detect
from circleci_cost_tests.model.anomalies.builders import (
    FIRST,
    PRICE,
    alarm_days,
    alarms,
    day,
    drawn,
    factors,
    once,
    only_costs,
    row_of,
)

DAYS = 90
# A spike on day 50, and twice the usual usage per run from day 70 on.
CHANGED = drawn(DAYS, 1, times_runs=once(DAYS, [50], 3.0), times_run=factors(DAYS, {70: 2.0}))
OPTIONAL = ("runs", "credits", "cost_squared")


def test_each_series_has_a_row_of_the_schema_for_each_day_from_its_first_on() -> None:
    judged_rows = detect(pl.concat([drawn(40, 1, "b"), drawn(30, 2, "a", first=day(10))]))
    assert judged_rows.schema == ANOMALY_SCHEMA
    assert judged_rows.select("series", "date").rows() == [
        *(("a", day(number)) for number in range(10, 40)),
        *(("b", day(number)) for number in range(40)),
    ]


def test_judged_days_have_ordered_numbers_and_other_days_a_note() -> None:
    judged_rows = detect(CHANGED)
    judged = judged_rows.filter(pl.col("note").is_null())
    assert judged.height == DAYS - 14
    assert judged.select(pl.col("expected", "lower", "upper", "score", "direction").null_count()).row(0) == (0,) * 5
    in_order = (
        (pl.col("lower") >= 0) & (pl.col("lower") <= pl.col("expected")) & (pl.col("expected") <= pl.col("upper"))
    )
    assert judged.filter(in_order).height == judged.height
    assert judged.filter(pl.col("is_anomaly") == (pl.col("score") >= 1)).height == judged.height
    assert judged.filter(pl.col("is_anomaly") == pl.col("kind").is_in(KINDS, nulls_equal=True)).height == judged.height
    early = judged_rows.head(14)
    assert early.get_column("note").unique().to_list() == ["too short a history"]
    assert early.select(pl.col("expected", "lower", "upper", "score", "direction", "kind").count()).row(0) == (0,) * 6
    assert early.get_column("value").to_list() == CHANGED.get_column("cost").head(14).to_list()


def test_values_are_the_costs_to_the_last_bit_whatever_is_judged_inside() -> None:
    assert detect(CHANGED).get_column("value").to_list() == CHANGED.get_column("cost").to_list()


def test_a_day_beyond_its_bounds_is_an_anomaly() -> None:
    judged_rows = detect(CHANGED).filter(pl.col("note").is_null())
    beyond = judged_rows.filter((pl.col("value") > pl.col("upper")) | (pl.col("value") < pl.col("lower")))
    assert beyond.height > 1
    assert beyond.get_column("is_anomaly").all()


def test_series_date_and_cost_are_all_that_is_needed() -> None:
    assert alarm_days(CHANGED.select("series", "date", "cost"))[0] == 50


@pytest.mark.parametrize("column", OPTIONAL)
def test_each_optional_column_works_alone(column: str) -> None:
    assert alarm_days(CHANGED.select("series", "date", "cost", column))[0] == 50


def test_an_optional_column_of_nulls_is_one_that_is_not_given() -> None:
    for column in OPTIONAL:
        without, empty = CHANGED.drop(column), CHANGED.with_columns(pl.lit(None, pl.Float64()).alias(column))
        seen, wanted = (detect(frame).select("date", "kind", "is_anomaly") for frame in (empty, without))
        assert_frame_equal(seen, wanted)


def test_other_columns_are_left_alone() -> None:
    assert_frame_equal(detect(CHANGED.with_columns(run_seconds=pl.lit(7), owner=pl.lit("x"))), detect(CHANGED))


def test_decimals_integers_and_floats_give_the_same() -> None:
    whole = CHANGED.with_columns(
        pl.col("credits").alias("cost"), pl.col("runs"), cost_squared=pl.lit(None, pl.Float64())
    )
    wanted = detect(whole)
    for dtype in (pl.Int64(), pl.Decimal(38, 10), pl.Float32()):
        assert_frame_equal(detect(whole.with_columns(pl.col("cost", "credits", "runs").cast(dtype))), wanted)


def test_the_order_of_rows_does_not_matter() -> None:
    both = pl.concat([CHANGED, drawn(DAYS, 2, "b")])
    assert_frame_equal(detect(both.sample(fraction=1.0, shuffle=True, seed=3)), detect(both))


def test_rows_of_the_same_series_and_day_are_added() -> None:
    halves = CHANGED.with_columns(pl.col("cost", "credits", "runs", "cost_squared") / 2)
    assert_frame_equal(detect(pl.concat([halves, halves])), detect(CHANGED))


def test_a_day_is_unknown_if_one_of_its_rows_is() -> None:
    more = pl.DataFrame({"series": ["a"], "date": [day(50)], "cost": [None]}, schema_overrides={"cost": pl.Float64()})
    judged_rows = detect(pl.concat([CHANGED, more], how="diagonal"))
    assert row_of(judged_rows, 50)["note"] == "the day is not completely known"


@pytest.mark.parametrize("column", ["series", "date", "cost"])
def test_a_missing_column_is_named(column: str) -> None:
    with pytest.raises(ValueError, match=f"lack the column '{column}'; they need series, date and cost"):
        detect(CHANGED.drop(column))


@pytest.mark.parametrize("column", ["series", "date"])
def test_a_row_without_series_or_date_is_refused(column: str) -> None:
    holed = CHANGED.with_columns(pl.when(pl.col("date") != day(20)).then(column).alias(column))
    with pytest.raises(ValueError, match="a row of daily costs has no series or no date; every row needs both"):
        detect(holed)


def test_an_empty_frame_has_no_anomalies() -> None:
    for empty in (CHANGED.clear(), pl.DataFrame({"series": [], "date": [], "cost": []})):
        assert_frame_equal(detect(empty), pl.DataFrame(schema=ANOMALY_SCHEMA))


def test_ten_days_are_noted_as_too_few_and_not_judged() -> None:
    judged_rows = detect(only_costs([1, 1, 1, 1, 1, 1, 1, 1, 1, 900]))
    assert judged_rows.select("note", "is_anomaly").unique().rows() == [("too short a history", False)]
    assert judged_rows.get_column("value").to_list()[-1] == 900
    assert judged_rows.get_column("expected").null_count() == 10


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), float("-inf")])
def test_a_cost_that_is_no_number_makes_a_day_unknown_and_teaches_nothing(value: float | None) -> None:
    odd = CHANGED.with_columns(pl.when(pl.col("date") == day(30)).then(pl.lit(value)).otherwise("cost").alias("cost"))
    judged_rows = detect(odd)
    row = row_of(judged_rows, 30)
    assert (row["value"], row["expected"], row["note"]) == (None, None, "the day is not completely known")
    incomplete = CHANGED.with_columns((pl.col("date") != day(30)).alias("complete"))
    assert_frame_equal(judged_rows, detect(incomplete))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), -5.0])
@pytest.mark.parametrize("column", OPTIONAL)
def test_an_optional_value_that_is_no_number_is_no_anomaly(column: str, value: float) -> None:
    quiet = drawn(DAYS, 1)
    assert alarms(quiet) == []
    odd = pl.when(pl.col("date") == day(60)).then(pl.lit(value)).otherwise(column)
    assert alarms(quiet.with_columns(odd.alias(column))) == []


def test_credits_given_for_some_days_alone_are_no_anomaly_either_way() -> None:
    quiet = drawn(DAYS, 1)
    early, late = pl.col("date") < day(45), pl.col("date") >= day(45)
    for given in (early, late):
        assert alarms(quiet.with_columns(pl.when(given).then("credits").alias("credits"))) == []


def test_credits_without_a_price_for_weeks_are_no_anomaly_nor_is_their_first_price() -> None:
    for gap in (range(30), range(50, 60)):
        prices = np.full(DAYS, PRICE)
        prices[list(gap)] = 0
        assert alarms(drawn(DAYS, 1, price=prices)) == []


@pytest.mark.parametrize("scale", [1e-6, 1e9])
@pytest.mark.parametrize("columns", [("credits", "runs", "cost_squared"), ("cost_squared",), ()])
def test_the_unit_of_cost_does_not_matter(scale: float, columns: tuple[str, ...]) -> None:
    small = CHANGED.select("series", "date", "cost", *columns)
    large = small.with_columns(
        pl.col("cost") * scale, *(pl.col(name) * scale**2 for name in columns if name == "cost_squared")
    )
    seen, wanted = detect(large), detect(small)
    same = ["series", "date", "direction", "kind", "is_anomaly", "note"]
    assert_frame_equal(seen.select(same), wanted.select(same))
    numbers = ["value", "expected", "lower", "upper"]
    assert_frame_equal(seen.select(pl.col(numbers) / scale), wanted.select(numbers), rel_tol=1e-9)


def test_a_series_is_judged_the_same_alone_and_among_thousands() -> None:
    days = 40
    own = drawn(days, 7, "m", times_runs=once(days, [30], 3.0))
    draw = np.random.default_rng(8)
    others = pl.DataFrame(
        {
            "series": np.repeat([f"{'az'[number % 2]}{number:04}" for number in range(2_100)], days),
            "date": np.tile(own.get_column("date").to_numpy(), 2_100),
            "cost": draw.lognormal(0, 0.3, 2_100 * days),
        }
    )
    among = detect(pl.concat([others, own], how="diagonal"))
    assert among.get_column("series").n_unique() == 2_101
    assert_frame_equal(among.filter(series="m"), detect(own))
    last = others.filter(series="z2099")
    assert_frame_equal(among.filter(series="z2099"), detect(last))


def test_decimal_money_is_judged_without_a_warning() -> None:
    money = [Decimal("12.3456789012345678")] * 20
    frame = pl.DataFrame({"series": "a", "date": pl.date_range(FIRST, day(19), eager=True), "cost": money})
    assert detect(frame).get_column("is_anomaly").sum() == 0
