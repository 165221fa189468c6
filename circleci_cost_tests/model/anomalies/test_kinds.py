"""What happens to a series is found in time, called by its name, and told no longer than it is new."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.anomalies.detection import detect
from circleci_cost_tests.model.anomalies.builders import (
    PRICE,
    Floats,
    alarm_days,
    alarms,
    day,
    drawn,
    factors,
    once,
    place,
    ramp,
    row_of,
)

DAYS = 170
AT = 120  # a Tuesday
SEEDS = range(10)


def drawn_often(seeds: Sequence[int] = SEEDS, **changes: Floats) -> pl.DataFrame:
    """The same change in series of different luck."""
    return pl.concat(drawn(DAYS, seed, f"s{seed}", **changes) for seed in seeds)  # type: ignore[arg-type]


def alarms_of_each(daily: pl.DataFrame) -> list[list[tuple[int, str, str]]]:
    """The alarms of each series from the change on."""
    found = detect(daily).filter("is_anomaly", pl.col("date") >= day(AT))
    names = daily.get_column("series").unique().sort()
    return [
        [
            (place(when), kind, way)
            for _, when, kind, way in found.filter(series=name)
            .select("series", "date", "kind", "direction")
            .iter_rows()
        ]
        for name in names
    ]


def test_a_spike_is_told_the_same_day_and_is_over_the_next_week() -> None:
    for each in alarms_of_each(drawn_often(times_runs=once(DAYS, [AT], 3.0))):
        assert each[0] == (AT, "spike", "up")
        assert each[-1][0] <= AT + 1


def test_a_drop_is_told_the_same_day_and_is_over_the_next_week() -> None:
    for each in alarms_of_each(drawn_often(times_runs=once(DAYS, [AT], 0.25))):
        assert each[0] == (AT, "drop", "down")
        assert each[-1][0] <= AT + 1


def test_a_day_of_nothing_is_an_outage() -> None:
    for each in alarms_of_each(drawn_often(times_runs=once(DAYS, [AT, AT + 1], 0.0))):
        assert each[:2] == [(AT, "outage", "down"), (AT + 1, "outage", "down")]
        assert each[-1][0] <= AT + 2


def test_a_level_shift_is_found_within_days_and_becomes_the_new_normal() -> None:
    for factor, way in ((1.7, "up"), (0.5, "down")):
        found = alarms_of_each(drawn_often(times_runs=factors(DAYS, {AT: factor})))
        assert np.mean([each[0][0] - AT for each in found]) <= 1.5
        for each in found:
            assert each[0][0] <= AT + 4
            assert {direction for _, _, direction in each[:5]} == {way}
            assert "level_shift" in {kind for _, kind, _ in each}
            assert len(each) <= 12
            assert not [number for number, _, _ in each if number > AT + 42]


def test_after_a_level_shift_its_level_is_what_is_expected() -> None:
    after = detect(drawn_often(times_runs=factors(DAYS, {AT: 1.7}))).filter(pl.col("date") >= day(AT + 28))
    ratio = after.group_by("series").agg(pl.col("value").sum() / pl.col("expected").sum()).get_column("value")
    assert ratio.is_between(0.8, 1.3).all()


def test_a_slow_drift_of_usage_per_run_is_found_before_it_is_over() -> None:
    for factor, way in ((1.6, "up"), (0.6, "down")):
        found = alarms_of_each(drawn_often(times_run=ramp(DAYS, AT, 45, factor)))
        assert all(each[0][0] < AT + 25 and each[0][2] == way for each in found)


def test_a_slow_drift_of_runs_is_mostly_found() -> None:
    for factor, way in ((1.7, "up"), (0.5, "down")):
        found = alarms_of_each(drawn_often(range(20), times_runs=ramp(DAYS, AT - 10, 60, factor)))
        assert sum(bool(each) and each[0][2] == way for each in found) >= 17


def test_a_weekend_that_works_like_a_week_is_a_leak() -> None:
    # Saturday and Sunday, twice.
    leaking = [AT + 4, AT + 5, AT + 11, AT + 12]
    found = alarms_of_each(drawn_often(times_runs=once(DAYS, leaking, 7.0)))
    assert [number for number, _, _ in found[0]] == leaking
    for each in found:
        assert set(leaking) <= {number for number, _, _ in each}
        kinds = [kind for number, kind, _ in each if number in leaking]
        assert kinds.count("weekend_leak") >= 3


@pytest.mark.parametrize(("factor", "way"), [(1.2, "up"), (0.8, "down"), (1.02, "up")])
def test_a_change_of_price_is_told_on_its_first_day_and_no_other(factor: float, way: str) -> None:
    daily = drawn(DAYS, 1, price=PRICE * factors(DAYS, {AT: factor}))
    assert alarms(daily) == [(AT, "price_change", way)]
    found = detect(daily)
    row, next_day = row_of(found, AT), row_of(found, AT + 1)
    assert row["score"] == pytest.approx(abs(factor - 1) * 100)
    same = detect(drawn(DAYS, 1))
    assert row["expected"] == pytest.approx(row_of(same, AT)["expected"])
    assert next_day["expected"] == pytest.approx(row_of(same, AT + 1)["expected"] * factor)
    assert next_day["score"] == pytest.approx(row_of(same, AT + 1)["score"])


def test_a_change_of_price_without_usage_that_day_is_told_on_the_next_day_with_some() -> None:
    daily = drawn(DAYS, 1, times_runs=once(DAYS, [AT, AT + 1], 0.0), price=PRICE * factors(DAYS, {AT: 1.2}))
    told = [number for number, kind, _ in alarms(daily) if kind == "price_change"]
    assert told == [AT + 2]


def test_a_price_that_is_rounded_has_not_changed() -> None:
    wobble = PRICE * (1 + 0.0004 * np.where(np.arange(DAYS) % 2, 1, -1))
    assert alarms(drawn(DAYS, 1, price=wobble)) == []


def test_the_mean_of_several_prices_is_no_change_of_a_price() -> None:
    for since in (0, 60):
        mixed = np.where(np.arange(DAYS) < since, 1.0, 1 + 0.3 * np.random.default_rng(2).random(DAYS))
        told = [number for number, kind, _ in alarms(drawn(DAYS, 1, price=PRICE * mixed)) if kind == "price_change"]
        assert len(told) <= 2
        assert not [number for number in told if number > since + 3]


def test_a_series_whose_credits_have_no_single_price_is_judged_by_its_cost() -> None:
    mixed = 1 + 0.1 * np.random.default_rng(2).random(DAYS)
    dearer = drawn(DAYS, 1, price=PRICE * mixed * once(DAYS, [AT], 4.0))
    assert (AT, "spike", "up") in alarms(dearer)


def test_a_change_of_price_is_found_in_a_series_without_runs_and_squares() -> None:
    daily = drawn(DAYS, 1, price=PRICE * factors(DAYS, {AT: 1.2})).select("series", "date", "cost", "credits")
    assert alarms(daily) == [(AT, "price_change", "up")]


def test_runs_of_twice_the_cost_are_found_within_a_day_where_runs_are_given() -> None:
    for factor, way in ((2.0, "up"), (0.5, "down")):
        for each in alarms_of_each(drawn_often(times_run=factors(DAYS, {AT: factor}))):
            assert each[0][0] <= AT + 1
            assert each[0][2] == way


def test_runs_tell_dearer_runs_earlier_than_cost_alone() -> None:
    daily = drawn_often(times_run=factors(DAYS, {AT: 1.35}))
    with_runs = [each[0][0] for each in alarms_of_each(daily)]
    without = [each[0][0] if each else DAYS for each in alarms_of_each(daily.drop("runs"))]
    assert max(with_runs) <= AT + 3
    assert np.mean(with_runs) + 1 < np.mean(without)


def test_a_series_that_begins_after_the_others_is_new_and_no_anomaly() -> None:
    found = detect(pl.concat([drawn(60, 1, "old"), drawn(20, 2, "late", first=day(40))]))
    first = row_of(found, 40, "late")
    assert (first["kind"], first["is_anomaly"], first["note"]) == ("new", False, "too short a history")
    assert found.filter(pl.col("kind") == "new").height == 1


def test_a_series_that_ends_is_an_outage_then_vanished_and_then_normal() -> None:
    ended = drawn(AT, 1, "ended")
    found = detect(pl.concat([ended, drawn(DAYS, 2, "other")])).filter("is_anomaly", series="ended")
    told = [(place(when), kind, way) for when, kind, way in found.select("date", "kind", "direction").iter_rows()]
    assert told[0] == (AT, "outage", "down")
    assert {kind for _, kind, _ in told} <= {"outage", "vanished"}
    assert {way for _, _, way in told} == {"down"}
    assert told[-1][0] <= AT + 14


def test_a_sparse_series_that_ends_has_vanished() -> None:
    daily = drawn(DAYS, 3, runs=3.0, times_runs=factors(DAYS, {AT: 0.0}))
    told = alarms(daily)
    assert told
    assert told[-1][1:] == ("vanished", "down")
    assert told[-1][0] <= AT + 28


def test_what_rests_for_two_weeks_and_comes_back_as_it_was_is_told_once() -> None:
    daily = drawn_often(times_runs=once(DAYS, range(AT - 1, AT + 11), 0.0))
    for each in alarms_of_each(daily):
        assert {way for _, _, way in each} == {"down"}
        assert each[-1][0] < AT + 11


def test_what_rests_and_comes_back_twice_as_large_is_told_twice() -> None:
    daily = drawn(DAYS, 1, times_runs=factors(DAYS, {AT - 1: 0.0, AT + 13: 2.5}))
    told = alarms(daily)
    assert (AT - 1, "outage", "down") in told
    assert next(number for number, _, way in told if way == "up") == AT + 13


def test_directions_that_are_not_asked_for_are_no_anomalies() -> None:
    daily = drawn(DAYS, 1, times_runs=once(DAYS, [90], 4.0) * once(DAYS, [AT], 0.0))
    assert alarm_days(daily) == [90, AT]
    assert alarm_days(daily, Anomalies(directions=("up",))) == [90]
    assert alarm_days(daily, Anomalies(directions=("down",))) == [AT]


def test_what_is_expected_does_not_depend_on_the_directions_asked_for() -> None:
    daily = drawn(DAYS, 1, times_runs=factors(DAYS, {AT: 1.8}))
    up, both = detect(daily, Anomalies(directions=("down",))), detect(daily)
    assert up.get_column("expected").equals(both.get_column("expected"))
