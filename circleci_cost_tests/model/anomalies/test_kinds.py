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


def alarms_by_series(daily: pl.DataFrame) -> list[list[tuple[int, str, str]]]:
    """The alarms of each series from the change on."""
    judged = detect(daily).filter("is_anomaly", pl.col("date") >= day(AT))
    names = daily.get_column("series").unique().sort()
    return [
        [
            (place(when), kind, way)
            for _, when, kind, way in judged.filter(series=name)
            .select("series", "date", "kind", "direction")
            .iter_rows()
        ]
        for name in names
    ]


def test_a_spike_alarms_on_its_day_and_at_most_on_the_next() -> None:
    for in_alarm in alarms_by_series(drawn_often(times_runs=once(DAYS, [AT], 3.0))):
        assert in_alarm[0] == (AT, "spike", "up")
        assert in_alarm[-1][0] <= AT + 1


def test_a_drop_alarms_on_its_day_and_at_most_on_the_next() -> None:
    for in_alarm in alarms_by_series(drawn_often(times_runs=once(DAYS, [AT], 0.25))):
        assert in_alarm[0] == (AT, "drop", "down")
        assert in_alarm[-1][0] <= AT + 1


def test_a_day_of_nothing_is_an_outage() -> None:
    for in_alarm in alarms_by_series(drawn_often(times_runs=once(DAYS, [AT, AT + 1], 0.0))):
        assert in_alarm[:2] == [(AT, "outage", "down"), (AT + 1, "outage", "down")]
        assert in_alarm[-1][0] <= AT + 2


def test_a_level_shift_is_found_within_days_and_becomes_the_new_normal() -> None:
    for factor, way in ((1.7, "up"), (0.5, "down")):
        of_all_series = alarms_by_series(drawn_often(times_runs=factors(DAYS, {AT: factor})))
        assert np.mean([in_alarm[0][0] - AT for in_alarm in of_all_series]) <= 1.5
        for in_alarm in of_all_series:
            assert in_alarm[0][0] <= AT + 4
            assert {direction for _, _, direction in in_alarm[:5]} == {way}
            assert "level_shift" in {kind for _, kind, _ in in_alarm}
            assert len(in_alarm) <= 13
            assert not [number for number, _, _ in in_alarm if number > AT + 42]


def test_after_a_level_shift_its_level_is_what_is_expected() -> None:
    after = detect(drawn_often(times_runs=factors(DAYS, {AT: 1.7}))).filter(pl.col("date") >= day(AT + 28))
    ratio = after.group_by("series").agg(pl.col("value").sum() / pl.col("expected").sum()).get_column("value")
    assert ratio.is_between(0.8, 1.3).all()


def test_a_slow_drift_of_usage_per_run_is_found_before_it_is_over() -> None:
    for factor, way in ((1.6, "up"), (0.6, "down")):
        of_all_series = alarms_by_series(drawn_often(times_run=ramp(DAYS, AT, 45, factor)))
        assert all(in_alarm[0][0] < AT + 25 and in_alarm[0][2] == way for in_alarm in of_all_series)


def test_a_slow_drift_of_runs_is_mostly_detected() -> None:
    for factor, way in ((1.7, "up"), (0.5, "down")):
        of_all_series = alarms_by_series(drawn_often(range(20), times_runs=ramp(DAYS, AT - 10, 60, factor)))
        assert sum(bool(in_alarm) and in_alarm[0][2] == way for in_alarm in of_all_series) >= 17


def test_a_weekend_that_works_like_a_week_is_a_leak() -> None:
    # Saturday and Sunday, twice.
    leaking = [AT + 4, AT + 5, AT + 11, AT + 12]
    of_all_series = alarms_by_series(drawn_often(times_runs=once(DAYS, leaking, 7.0)))
    assert [number for number, _, _ in of_all_series[0]] == leaking
    for in_alarm in of_all_series:
        assert set(leaking) <= {number for number, _, _ in in_alarm}
        kinds = [kind for number, kind, _ in in_alarm if number in leaking]
        assert kinds.count("weekend_leak") >= 3


@pytest.mark.parametrize(("factor", "way"), [(1.2, "up"), (0.8, "down"), (1.02, "up")])
def test_a_change_of_price_is_reported_on_its_first_day_only(factor: float, way: str) -> None:
    daily = drawn(DAYS, 1, price=PRICE * factors(DAYS, {AT: factor}))
    assert alarms(daily) == [(AT, "price_change", way)]
    judged = detect(daily)
    row, next_day = row_of(judged, AT), row_of(judged, AT + 1)
    assert row["score"] == pytest.approx(abs(factor - 1) * 100)
    same = detect(drawn(DAYS, 1))
    assert row["expected"] == pytest.approx(row_of(same, AT)["expected"])
    assert next_day["expected"] == pytest.approx(row_of(same, AT + 1)["expected"] * factor)
    assert next_day["score"] == pytest.approx(row_of(same, AT + 1)["score"])


def test_a_change_of_price_without_usage_is_reported_on_the_next_day_with_usage() -> None:
    daily = drawn(DAYS, 1, times_runs=once(DAYS, [AT, AT + 1], 0.0), price=PRICE * factors(DAYS, {AT: 1.2}))
    in_alarm = [number for number, kind, _ in alarms(daily) if kind == "price_change"]
    assert in_alarm == [AT + 2]


def test_a_price_that_is_rounded_has_not_changed() -> None:
    wobble = PRICE * (1 + 0.0004 * np.where(np.arange(DAYS) % 2, 1, -1))
    assert alarms(drawn(DAYS, 1, price=wobble)) == []


def test_the_mean_of_several_prices_is_no_change_of_a_price() -> None:
    for since in (0, 60):
        mixed = np.where(np.arange(DAYS) < since, 1.0, 1 + 0.3 * np.random.default_rng(2).random(DAYS))
        in_alarm = [number for number, kind, _ in alarms(drawn(DAYS, 1, price=PRICE * mixed)) if kind == "price_change"]
        assert len(in_alarm) <= 2
        assert not [number for number in in_alarm if number > since + 3]


def test_a_series_whose_credits_have_no_single_price_is_judged_by_its_cost() -> None:
    mixed = 1 + 0.1 * np.random.default_rng(2).random(DAYS)
    dearer = drawn(DAYS, 1, price=PRICE * mixed * once(DAYS, [AT], 4.0))
    assert (AT, "spike", "up") in alarms(dearer)


def test_a_change_of_price_is_found_in_a_series_without_runs_and_squares() -> None:
    daily = drawn(DAYS, 1, price=PRICE * factors(DAYS, {AT: 1.2})).select("series", "date", "cost", "credits")
    assert alarms(daily) == [(AT, "price_change", "up")]


def test_runs_of_twice_the_cost_are_found_within_a_day_where_runs_are_given() -> None:
    for factor, way in ((2.0, "up"), (0.5, "down")):
        for in_alarm in alarms_by_series(drawn_often(times_run=factors(DAYS, {AT: factor}))):
            assert in_alarm[0][0] <= AT + 1
            assert in_alarm[0][2] == way


def test_with_runs_dearer_runs_are_detected_earlier_than_by_cost_alone() -> None:
    daily = drawn_often(times_run=factors(DAYS, {AT: 1.35}))
    with_runs = [in_alarm[0][0] for in_alarm in alarms_by_series(daily)]
    without = [in_alarm[0][0] if in_alarm else DAYS for in_alarm in alarms_by_series(daily.drop("runs"))]
    assert max(with_runs) <= AT + 3
    assert np.mean(with_runs) + 1 < np.mean(without)


def test_a_series_that_begins_after_the_others_is_new_and_no_anomaly() -> None:
    judged = detect(pl.concat([drawn(60, 1, "old"), drawn(20, 2, "late", first=day(40))]))
    first = row_of(judged, 40, "late")
    assert (first["kind"], first["is_anomaly"], first["note"]) == ("new", False, "too short a history")
    assert judged.filter(pl.col("kind") == "new").height == 1


def test_a_series_that_ends_is_an_outage_then_vanished_and_then_normal() -> None:
    ended = drawn(AT, 1, "ended")
    judged = detect(pl.concat([ended, drawn(DAYS, 2, "other")])).filter("is_anomaly", series="ended")
    in_alarm = [(place(when), kind, way) for when, kind, way in judged.select("date", "kind", "direction").iter_rows()]
    assert in_alarm[0] == (AT, "outage", "down")
    assert {kind for _, kind, _ in in_alarm} <= {"outage", "vanished"}
    assert {way for _, _, way in in_alarm} == {"down"}
    assert in_alarm[-1][0] <= AT + 14


def test_a_sparse_series_that_ends_has_vanished() -> None:
    daily = drawn(DAYS, 3, runs=3.0, times_runs=factors(DAYS, {AT: 0.0}))
    in_alarm = alarms(daily)
    assert in_alarm
    assert in_alarm[-1][1:] == ("vanished", "down")
    assert in_alarm[-1][0] <= AT + 28


def test_a_series_that_rests_for_two_weeks_and_comes_back_as_it_was_alarms_once() -> None:
    daily = drawn_often(times_runs=once(DAYS, range(AT - 1, AT + 11), 0.0))
    for in_alarm in alarms_by_series(daily):
        assert {way for _, _, way in in_alarm} == {"down"}
        assert in_alarm[-1][0] < AT + 11


def test_a_series_that_rests_and_comes_back_twice_as_large_alarms_twice() -> None:
    daily = drawn(DAYS, 1, times_runs=factors(DAYS, {AT - 1: 0.0, AT + 13: 2.5}))
    in_alarm = alarms(daily)
    assert (AT - 1, "outage", "down") in in_alarm
    assert next(number for number, _, way in in_alarm if way == "up") == AT + 13


def test_directions_that_are_not_asked_for_are_no_anomalies() -> None:
    daily = drawn(DAYS, 1, times_runs=once(DAYS, [90], 4.0) * once(DAYS, [AT], 0.0))
    assert alarm_days(daily) == [90, AT]
    assert alarm_days(daily, Anomalies(directions=("up",))) == [90]
    assert alarm_days(daily, Anomalies(directions=("down",))) == [AT]


def test_what_is_expected_does_not_depend_on_the_directions_asked_for() -> None:
    daily = drawn(DAYS, 1, times_runs=factors(DAYS, {AT: 1.8}))
    up, both = detect(daily, Anomalies(directions=("down",))), detect(daily)
    assert up.get_column("expected").equals(both.get_column("expected"))
