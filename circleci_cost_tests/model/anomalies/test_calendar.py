"""Days that are not like others: holidays, own closures, ignored periods, and days that are not completely known."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.model.anomalies.definition import Anomalies, IgnoredPeriod
from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.calendar.definition import Calendar
from circleci_cost_tests.model.anomalies.builders import (
    alarm_days,
    alarms,
    day,
    drawn,
    once,
    only_costs,
    place,
    row_of,
    times,
)

AUTUMN = date(2026, 9, 7)  # a Monday
DAYS = 125  # to 9 January 2027
NO_COUNTRY = Calendar()


def resting(*days: date, share: float = 0.05, days_in_all: int = DAYS, first: date = AUTUMN) -> pl.DataFrame:
    """A series that hardly works on some days."""
    return drawn(
        days_in_all, 3, first=first, times_runs=once(days_in_all, [(day_off - first).days for day_off in days], share)
    )


def days_in_alarm(daily: pl.DataFrame, calendar: Calendar = NO_COUNTRY) -> list[date]:
    return detect(daily, calendar=calendar).filter("is_anomaly").get_column("date").to_list()


@pytest.mark.parametrize(
    ("country", "subdivision", "holiday"),
    [
        ("US", None, date(2026, 11, 26)),
        ("DE", "BY", date(2027, 1, 6)),
        ("CH", "TI", date(2026, 12, 8)),
        ("JP", None, date(2026, 11, 3)),
    ],
)
def test_less_on_a_holiday_is_expected_where_it_is_one(country: str, subdivision: str | None, holiday: date) -> None:
    year_end = [date(2026, 12, 24) + timedelta(days=number) for number in range(9)]
    daily = resting(holiday, *(day_off for day_off in year_end if day_off.weekday() < 5))
    assert days_in_alarm(daily, Calendar(country=country, subdivision=subdivision)) == []
    assert holiday in days_in_alarm(daily, Calendar(country="KR"))


def test_less_on_a_bridge_day_is_expected() -> None:
    friday = date(2026, 11, 27)  # after Thanksgiving
    daily = resting(friday, days_in_all=90)
    assert days_in_alarm(daily, Calendar(country="US")) == []
    assert days_in_alarm(daily, Calendar(country="DE")) == [friday]


def test_less_from_24_december_to_1_january_is_expected_without_any_country() -> None:
    days = [date(2026, 12, 24) + timedelta(days=number) for number in range(9)]
    assert days_in_alarm(resting(*(day_off for day_off in days if day_off.weekday() < 5))) == []


def test_less_on_an_own_closure_is_expected_and_not_learned_from() -> None:
    closed = tuple(date(2026, 11, 9) + timedelta(days=number) for number in range(5))
    daily = times(resting(), closed, 0.0)
    calendar = Calendar(closures=closed)
    assert days_in_alarm(daily, calendar) == []
    assert days_in_alarm(daily) != []
    after = detect(daily, calendar=calendar).row(by_predicate=pl.col("date") == date(2026, 11, 16), named=True)
    usual = detect(resting(), calendar=calendar).row(by_predicate=pl.col("date") == date(2026, 11, 16), named=True)
    assert after["expected"] == pytest.approx(usual["expected"], rel=0.01)


def test_much_more_on_a_holiday_is_an_anomaly_all_the_same() -> None:
    holiday = date(2026, 11, 26)
    daily = resting(holiday, share=4.0)
    judged = detect(daily, calendar=Calendar(country="US")).filter("is_anomaly")
    assert judged.select("date", "direction").rows() == [(holiday, "up")]


def without(first: date | None, last: date | None) -> Anomalies:
    return Anomalies(ignored_periods=(IgnoredPeriod.model_validate({"from": first, "until": last}),))


def test_an_ignored_period_is_neither_judged_nor_learned_from() -> None:
    ignored = without(day(40), day(52))
    wild = times(drawn(90, 2), [day(number) for number in range(40, 53)], 9.0)
    judged = detect(wild, ignored)
    inside = judged.filter(pl.col("date").is_between(day(40), day(52)))
    assert inside.select("value", "expected", "is_anomaly", "note").unique().rows() == [
        (None, None, False, "the day is not completely known")
    ]
    assert_frame_equal(judged, detect(drawn(90, 2), ignored))


def test_ignored_periods_may_reach_beyond_what_is_known() -> None:
    daily = drawn(60, 2)
    for period in ((date(2000, 1, 1), day(9)), (day(50), date(2100, 1, 1)), (date(2000, 1, 1), date(2000, 2, 1))):
        judged = detect(daily, without(*period))
        unknown = judged.filter(pl.col("value").is_null()).get_column("date").to_list()
        assert unknown == [day(number) for number in range(60) if period[0] <= day(number) <= period[1]]
    assert_frame_equal(detect(daily, without(None, day(9))), detect(daily, without(day(-9), day(9))))
    assert_frame_equal(detect(daily, without(day(50), None)), detect(daily, without(day(50), day(99))))
    assert detect(daily, without(day(0), day(59))).get_column("expected").null_count() == 60


def test_days_without_a_row_are_zero_where_others_have_one() -> None:
    other = drawn(60, 2, "b")
    holed = drawn(60, 1).filter(~pl.col("date").is_in([day(42), day(43)]))
    assert alarms(pl.concat([holed, other])) == [(42, "outage", "down"), (43, "outage", "down")]
    zeros = drawn(60, 1, times_runs=once(60, [42, 43], 0.0))
    costs = ["series", "date", "cost"]
    without_zeros = zeros.filter(~pl.col("date").is_in([day(42), day(43)]))
    assert_frame_equal(
        detect(pl.concat([without_zeros.select(costs), other.select(costs)])),
        detect(pl.concat([zeros.select(costs), other.select(costs)])),
    )


def test_a_day_on_which_nobody_has_a_row_is_unknown_and_no_outage() -> None:
    both = pl.concat([drawn(60, 1), drawn(60, 2, "b")])
    judged = detect(both.filter(pl.col("date") != day(42)))
    assert judged.filter(pl.col("date") == day(42)).select(
        "series", "value", "expected", "is_anomaly", "note"
    ).rows() == [(name, None, None, False, "the day is not completely known") for name in ("a", "b")]
    assert judged.height == 120
    assert judged.get_column("is_anomaly").sum() == 0


@pytest.mark.parametrize("share", [0.0, 0.5, 5.0])
def test_a_day_that_is_not_complete_is_unknown_whatever_is_known_of_it(share: float) -> None:
    partial = times(drawn(60, 1), [day(42)], share)
    for flag in (False, None):
        daily = partial.with_columns(
            pl.when(pl.col("date") == day(42)).then(pl.lit(flag, pl.Boolean())).otherwise(True).alias("complete")
        )
        judged = detect(daily)
        assert row_of(judged, 42)["note"] == "the day is not completely known"
        assert row_of(judged, 42)["value"] is None
        assert_frame_equal(judged, detect(drawn(60, 1).filter(pl.col("date") != day(42))))


def test_the_last_day_is_unknown_where_it_is_not_complete() -> None:
    daily = drawn(60, 1).with_columns((pl.col("date") < day(59)).alias("complete"))
    last = row_of(detect(daily), 59)
    assert (last["value"], last["is_anomaly"]) == (None, False)


def test_unknown_days_do_not_count_as_days_of_history() -> None:
    daily = only_costs(np.full(30, 5.0)).with_columns(
        pl.col("date").is_in([day(n) for n in range(5, 12)]).not_().alias("complete")
    )
    judged = detect(daily).filter(pl.col("expected").is_not_null())
    assert place(judged.get_column("date").min()) == 14 + 7  # type: ignore[arg-type]


def test_a_quiet_series_raises_nothing_over_a_year_with_its_holidays() -> None:
    first = date(2025, 1, 6)
    us = [date(2025, 1, 20), date(2025, 5, 26), date(2025, 7, 4), date(2025, 9, 1), date(2025, 11, 27)]
    end = [date(2025, 12, 24) + timedelta(days=number) for number in range(9)]
    daily = resting(*us, *end, days_in_all=390, first=first)
    with_country = days_in_alarm(daily, Calendar(country="US"))
    assert len(with_country) <= 1
    assert set(us) <= set(days_in_alarm(daily))
    assert alarm_days(daily.clear()) == []
