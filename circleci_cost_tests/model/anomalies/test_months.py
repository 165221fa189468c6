"""Monthly rhythms: a batch or a pause alarms twice, then it is expected; other days and other amounts still alarm."""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.model.anomalies.detection import detect
from circleci_cost_tests.model.anomalies.builders import drawn

FIRST = date(2026, 2, 5)
DAYS = 390
_LEARNED = 14
DATES = [FIRST + timedelta(days=number) for number in range(DAYS)]
Rhythm = Callable[[date], bool]


def length(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def last_working_day(day: date) -> bool:
    return max(n for n in range(1, length(day) + 1) if day.replace(day=n).weekday() < 5) == day.day


def moved_fifteenth(day: date) -> bool:
    return day.weekday() < 5 and (day.day == 15 or (day.weekday() == 0 and day.day in (16, 17)))


RHYTHMS: dict[str, Rhythm] = {
    "first day": lambda day: day.day == 1,
    "last day": lambda day: day.day == length(day),
    "last three days": lambda day: day.day > length(day) - 3,
    "4th": lambda day: day.day == 4,
    "last Friday": lambda day: day.weekday() == 4 and day.day > length(day) - 7,
    "first Monday": lambda day: day.weekday() == 0 and day.day <= 7,
    "quarter's end": lambda day: day.month % 3 == 0 and day.day == length(day),
    "31st": lambda day: day.day == 31,
    "last working day": last_working_day,
    "15th or the Monday after": moved_fifteenth,
    "every other Friday": lambda day: (day - date(2026, 2, 20)).days % 14 == 0,
}


def with_batch(
    rhythm: Rhythm, more: float, name: str = "a", *, seed: int = 1, skipping: tuple[date, ...] = ()
) -> pl.DataFrame:
    """A series that uses so many times a usual day more in a rhythm, as much on every weekday; −0.8: a fifth of it."""
    draw = np.random.default_rng(seed)
    factor = np.ones(DAYS)
    for number, day in enumerate(DATES):
        if rhythm(day) and day not in skipping and number >= _LEARNED:
            factor[number] += more * np.exp(0.1 * draw.standard_normal())
    return drawn(DAYS, seed, name, first=FIRST, week=np.ones(7), times_runs=factor)


def alarms(judged: pl.DataFrame, name: str = "a") -> list[date]:
    """The first day of each alarm of a series."""
    days = judged.filter("is_anomaly", pl.col("series") == name)["date"].to_list()
    return [day for number, day in enumerate(days) if not number or (day - days[number - 1]).days > 3]


@pytest.fixture(scope="module")
def judged() -> pl.DataFrame:
    """All rhythms at once: batches named `+`, pauses `-`, and one series without any."""
    series = [
        with_batch(rhythm, more, f"{name}{sign}")
        for name, rhythm in RHYTHMS.items()
        for sign, more in (("+", 3.0), ("-", -0.8))
    ]
    return detect(pl.concat([*series, with_batch(RHYTHMS["4th"], 0.0, "none")]))


@pytest.mark.parametrize("sign", ["+", "-"])
@pytest.mark.parametrize("name", RHYTHMS)
def test_a_monthly_rhythm_alarms_at_most_twice(judged: pl.DataFrame, name: str, sign: str) -> None:
    assert 1 <= len(alarms(judged, name + sign)) <= 2


def test_the_15th_and_the_last_day_are_two_rhythms_of_two_alarms() -> None:
    found = alarms(detect(with_batch(lambda day: day.day in (15, length(day)), 3.0)))
    assert len(found) <= 4
    assert max(found) <= date(2026, 4, 30)


def test_days_that_alarm_no_more_lie_inside_of_their_bounds_and_are_expected(judged: pl.DataFrame) -> None:
    firsts = judged.filter(pl.col("series") == "first day+", pl.col("date").dt.day() == 1)
    later = firsts.filter(pl.col("date") >= date(2026, 5, 1))
    assert later.height == 11
    assert later.select((pl.col("value").is_between("lower", "upper") & (pl.col("score") < 1)).all()).item()
    assert later.select((pl.col("expected") / pl.col("value")).is_between(0.6, 1.6).all()).item()


def test_a_batch_that_costs_three_times_as_much_alarms(judged: pl.DataFrame) -> None:
    dear = date(2026, 9, 1)
    assert dear not in alarms(judged, "first day+")
    daily = with_batch(RHYTHMS["first day"], 3.0)
    numbers = pl.col("cost", "credits", "cost_squared", "runs")
    then = pl.when(pl.col("date") == dear)
    assert alarms(detect(daily.with_columns(then.then(numbers * 3).otherwise(numbers))))[-1] == dear


def test_a_batch_that_fails_to_run_alarms_once_three_months_have_shown_it() -> None:
    missing = date(2026, 9, 1)
    judged = detect(with_batch(RHYTHMS["first day"], 5.0, skipping=(missing,)))
    row = judged.row(by_predicate=pl.col("date") == missing, named=True)
    assert (row["is_anomaly"], row["direction"]) == (True, "down")
    assert row["value"] < row["lower"]
    after = judged.filter("is_anomaly", pl.col("date") > missing)
    assert after.height == 0


def test_the_same_usage_on_another_day_of_the_month_alarms() -> None:
    daily = with_batch(lambda day: day.day == 1 or day == date(2026, 9, 11), 3.0)
    assert alarms(detect(daily))[-1] == date(2026, 9, 11)


def test_shifts_that_begin_on_the_first_of_three_months_running_are_each_found() -> None:
    factor = np.ones(DAYS)
    begins = [date(2026, month, 1) for month in (5, 6, 7)]
    for begin in begins:
        factor[(begin - FIRST).days :] *= 1.8
    shifted = detect(pl.concat(drawn(DAYS, seed, f"s{seed}", first=FIRST, times_runs=factor) for seed in range(4)))
    up = shifted.filter("is_anomaly", pl.col("direction") == "up")
    for begin in begins:
        soon = up.filter(pl.col("date").is_between(begin, begin + timedelta(days=14)))
        assert soon["series"].n_unique() == 4


def test_batches_leave_level_and_spread_as_they_are(judged: pl.DataFrame) -> None:
    at = judged.filter(pl.col("date") == date(2026, 9, 10))
    with_it, without = (at.row(by_predicate=pl.col("series") == name, named=True) for name in ("4th+", "none"))
    assert with_it["expected"] == pytest.approx(without["expected"], rel=0.05)
    assert with_it["upper"] == pytest.approx(without["upper"], rel=0.1)


def test_a_rhythm_is_learned_from_the_past_alone() -> None:
    daily = with_batch(RHYTHMS["last Friday"], 3.0)
    whole = detect(daily)
    for when in (date(2026, 5, 29), date(2026, 11, 27)):
        assert_frame_equal(detect(daily.filter(pl.col("date") <= when)), whole.filter(pl.col("date") <= when))
