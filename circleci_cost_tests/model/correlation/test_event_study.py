"""What shifted around a date: found on its day, told with its size, and not mistaken for noise or a spike."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.correlation.event_study import SCHEMA, EventStudySettings, event_studies, event_study
from circleci_cost_tests.model.correlation.test_correlation import activity, daily, rhythm

FIRST = date(2026, 1, 1)
DAYS = 300
AT = 180
EVENT = FIRST + timedelta(days=AT)


def cost(seed: int, factor: float = 1.0, at: int = AT) -> np.ndarray:
    shift = np.where(np.arange(DAYS) >= at, factor, 1.0)
    return 40 * rhythm(DAYS) * activity(seed, DAYS) ** 0.5 * shift


def calm(count: int = 20) -> pl.DataFrame:
    return pl.concat(daily(f"calm {number:02}", cost(number)) for number in range(count))


def test_only_the_service_that_rose_at_the_event_is_reported() -> None:
    shifts = event_study(pl.concat([calm(), daily("s3", cost(50, 1.6))]), EVENT)
    assert shifts.schema == SCHEMA
    assert shifts.height == 21
    reported = shifts.filter("significant").to_dicts()
    assert [row["series"] for row in reported] == ["s3"]
    assert reported[0]["step"] == pytest.approx(0.6, abs=0.2)
    assert reported[0]["date"] == EVENT
    assert reported[0]["sentence"].startswith(
        f"s3 rose by {reported[0]['step'] * 100:.0f} % on {EVENT} and stayed there (q "
    )


def test_the_service_that_fell_a_day_later_is_reported_with_its_own_day() -> None:
    shifts = event_study(pl.concat([calm(), daily("s3", cost(51, 0.4, AT + 1))]), EVENT).filter("significant")
    assert shifts.select("series", "date").rows() == [("s3", EVENT + timedelta(days=1))]
    assert shifts["sentence"].item().startswith("s3 fell by ")


def test_a_shift_of_another_month_is_not_the_events() -> None:
    shifts = event_study(pl.concat([calm(), daily("s3", cost(50, 1.6, AT - 60))]), EVENT)
    assert shifts["significant"].sum() == 0


def test_a_spike_of_a_day_is_no_shift() -> None:
    spiked = cost(50)
    spiked[AT] *= 5
    assert event_study(pl.concat([calm(), daily("s3", spiked)]), EVENT)["significant"].sum() == 0


def test_a_service_that_shifts_all_the_time_did_not_shift_for_the_event() -> None:
    restless = cost(50) * np.where(np.arange(DAYS) // 20 % 2 == 0, 1.0, 1.6)
    (row,) = event_study(pl.concat([calm(), daily("s3", restless)]), EVENT).filter(series="s3").to_dicts()
    assert not row["significant"]
    assert row["p_value"] > 0.02
    assert row["sentence"].startswith("s3: no shift distinguishable from chance (p = ")


def test_a_shift_of_three_days_ago_can_be_judged_and_one_of_yesterday_cannot_yet() -> None:
    costs = pl.concat([calm(), daily("s3", cost(50, 2.5))])
    recent = costs.filter(pl.col("date") < EVENT + timedelta(days=4))
    assert event_study(recent, EVENT).filter("significant")["series"].to_list() == ["s3"]
    fresh = costs.filter(pl.col("date") < EVENT + timedelta(days=1))
    sentences = event_study(fresh, EVENT + timedelta(days=1))["sentence"]
    assert set(sentences) == {
        f"{name}: not tested, too few days around {EVENT + timedelta(days=1)} are known" for name in fresh["series"]
    }


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (cost(50)[:60], "60 usable days, 90 are needed"),
        (np.full(DAYS, 3.0), "it hardly ever changes"),
        (np.where(np.arange(DAYS) % 4 == 0, 1.0, 0.0), "most of its days are zero"),
    ],
)
def test_a_series_that_cannot_be_judged_is_named_and_not_guessed(values: np.ndarray, reason: str) -> None:
    short = daily("s3", values, first=FIRST + timedelta(days=160) if len(values) < DAYS else FIRST)
    (row,) = event_study(pl.concat([calm(), short]), EVENT).filter(series="s3").to_dicts()
    assert row["sentence"] == f"s3: not tested, {reason}"
    assert [row[name] for name in ("step", "p_value", "q_value", "significant")] == [None, None, None, False]


def test_several_events_are_reported_each_with_its_day() -> None:
    costs = pl.concat([calm(), daily("s3", cost(50, 1.6)), daily("rds", cost(52, 0.5, 100))])
    days = [EVENT, FIRST + timedelta(days=100)]
    shifts = event_studies(costs, days).filter("significant")
    assert shifts.select("event", "series").rows() == [(days[0], "s3"), (days[1], "rds")]
    single = event_study(costs, EVENT)
    assert event_studies(costs, days).filter(event=EVENT).drop("event").equals(single)


def test_holidays_are_left_out_of_both_sides() -> None:
    closed = tuple(EVENT + timedelta(days=at) for at in range(5))
    off = np.isin(np.arange(DAYS), [AT + at for at in range(5)])
    costs = pl.concat(daily(f"s{number}", cost(number) * np.where(off, 0.3, 1.0)) for number in range(10))
    assert event_study(costs, EVENT, EventStudySettings(Calendar(closures=closed)))["significant"].sum() == 0


def test_no_costs_and_no_events_are_empty_answers() -> None:
    assert event_study(calm().clear(), EVENT).equals(pl.DataFrame(schema=SCHEMA))
    assert event_studies(calm(), []).is_empty()
    assert event_studies(calm().clear(), [EVENT]).schema.names() == ["event", *SCHEMA.names()]


def test_an_event_outside_the_costs_shifted_nothing() -> None:
    shifts = event_study(calm(2), date(2020, 1, 1))
    assert shifts["significant"].to_list() == [False, False]
    assert shifts["sentence"].to_list()[0] == "calm 00: not tested, too few days around 2020-01-01 are known"
