"""The end of the year: teams rest from 22 December to 2 January, schedules do not, and stops and spikes are found."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.calendar.definition import Calendar
from circleci_cost_tests.model.anomalies.builders import drawn, factors, only_costs, place, times

FIRST = date(2025, 9, 8)  # a Monday
DAYS = 130
BEFORE, AFTER = date(2025, 12, 20), date(2026, 1, 6)
# Shares of a usual weekday, as in public projects.
QUIET = {date(2025, 12, 22): 0.39, date(2025, 12, 23): 0.14, date(2026, 1, 2): 0.16}
QUIET |= {date(2025, 12, 24) + timedelta(days=number): 0.1 for number in range(9)}


def team(
    name: str = "a", seed: int = 1, *, first: date = FIRST, days: int = DAYS, every_year: bool = True
) -> pl.DataFrame:
    """A team that rests at the end of the year."""
    shares = np.ones(days)
    for number in range(days):
        when = first + timedelta(days=number)
        if every_year or when.year >= 2026:
            shares[number] = QUIET.get(when.replace(year=2025 + (when.month == 1)), 1.0)
    return drawn(days, seed, name, first=first, times_runs=shares)


def nightly(
    name: str = "a", seed: int = 1, *, first: date = FIRST, days: int = DAYS, weekend: float = 1.0
) -> pl.DataFrame:
    """A schedule that runs as often on every day, or on working days alone."""
    return drawn(days, seed, name, first=first, runs=40.0, week=[1, 1, 1, 1, 1, weekend, weekend], dispersion=1e5)


def alarms(daily: pl.DataFrame, since: date = BEFORE, until: date = AFTER) -> list[tuple[date, str]]:
    days = detect(daily).filter("is_anomaly", pl.col("date").is_between(since, until))
    return days.select("date", "direction").rows()


@pytest.mark.parametrize("seed", range(3))
def test_the_quiet_days_of_a_team_are_expected_without_any_country(seed: int) -> None:
    assert alarms(team(seed=seed)) == []


@pytest.mark.parametrize("when", [date(2025, 12, 23), date(2025, 12, 27), date(2026, 1, 1)])
def test_a_nightly_job_that_stops_at_the_end_of_the_year_alarms(when: date) -> None:
    assert alarms(times(nightly(), [when], 0.0)) == [(when, "down")]


def test_a_schedule_of_working_days_that_ran_through_the_year_end_before_alarms_where_it_stops() -> None:
    daily = nightly(first=date(2024, 10, 7), days=470, weekend=0.0)
    assert alarms(times(daily, [date(2025, 12, 23)], 0.0)) == [(date(2025, 12, 23), "down")]


def test_a_schedule_of_working_days_alarms_once_this_year_end_has_shown_that_it_goes_on() -> None:
    daily = nightly(weekend=0.0)
    assert alarms(times(daily, [date(2025, 12, 30)], 0.0)) == [(date(2025, 12, 30), "down")]


@pytest.mark.parametrize("when", [date(2025, 12, 23), date(2025, 12, 30)])
@pytest.mark.parametrize("kind", [team, nightly])
def test_much_more_than_on_usual_days_is_a_spike_at_the_end_of_the_year_too(kind: object, when: date) -> None:
    daily = kind()  # type: ignore[operator]
    usual = daily.filter(pl.col("date") == when - timedelta(days=14))["runs"].item()
    there = daily.filter(pl.col("date") == when)["runs"].item()
    assert (when, "up") in alarms(times(daily, [when], 3.0 * usual / there))


def test_what_was_seen_in_a_year_end_is_expected_in_the_next_and_a_usual_day_is_then_a_spike() -> None:
    daily = team(first=date(2024, 10, 7), days=470)
    busy, usual_day = date(2025, 12, 30), date(2025, 12, 16)
    usual, there = (daily.filter(pl.col("date") == when)["runs"].item() for when in (usual_day, busy))
    judged = detect(times(daily, [busy], usual / there))
    assert judged.filter("is_anomaly")["date"].to_list() == [busy]
    quiet, expected = (judged.row(by_predicate=pl.col("date") == when, named=True) for when in (busy, usual_day))
    assert 0.05 * expected["expected"] < quiet["expected"] < 0.2 * expected["expected"]
    assert quiet["upper"] < quiet["value"]


def test_a_schedule_that_doubles_before_christmas_is_found_at_once_and_becomes_the_normal_in_two_weeks() -> None:
    at = date(2025, 12, 22)
    daily = drawn(DAYS, 1, first=FIRST, week=np.ones(7), times_runs=factors(DAYS, {place(at, FIRST): 2.0}))
    found = alarms(daily)
    assert found[0] == (at, "up")
    assert found[-1][0] <= date(2026, 1, 4)


def test_the_first_working_days_after_the_year_end_are_judged_by_the_level_before_it() -> None:
    daily = team()
    judged = detect(daily)
    before, after = (
        judged.row(by_predicate=pl.col("date") == when, named=True)["expected"]
        for when in (date(2025, 12, 15), date(2026, 1, 5))
    )
    assert after == pytest.approx(before, rel=0.1)


def test_a_schedule_that_rests_on_own_closures_is_not_judged_as_stopped_on_the_later_ones() -> None:
    closures = tuple(date(2025, 11, 3) + timedelta(days=number) for number in range(5))
    judged = detect(times(nightly(), closures, 0.0), calendar=Calendar(closures=closures)).filter("is_anomaly")
    assert judged.filter(pl.col("date") > closures[2]).height == 0


# Two ends of a year, the first as busy as any week, with Thanksgiving before each.
BUSY = only_costs(
    100.0 * np.exp(0.02 * np.random.default_rng(1).standard_normal(470)), first=date(2024, 10, 7)
).with_columns(cost=pl.when(pl.col("date").dt.weekday() > 5).then(pl.col("cost") * 0.7).otherwise("cost"))


@pytest.mark.parametrize("when", [date(2024, 11, 28), date(2025, 11, 27), date(2025, 12, 24), date(2025, 12, 26)])
def test_a_special_day_somewhat_below_the_usual_is_no_alarm_though_others_were_busy(when: date) -> None:
    lower = BUSY.with_columns(cost=pl.when(pl.col("date") == when).then(62.0).otherwise("cost"))
    assert detect(lower, calendar=Calendar(country="US")).filter("is_anomaly").height == 0


@pytest.mark.parametrize("when", [date(2025, 12, 24), date(2025, 12, 30)])
def test_a_day_at_the_end_of_a_busy_year_with_next_to_nothing_left_is_an_alarm(when: date) -> None:
    stopped = BUSY.with_columns(cost=pl.when(pl.col("date") == when).then(20.0).otherwise("cost"))
    judged = detect(stopped, calendar=Calendar(country="US"))
    assert judged.filter("is_anomaly").select("date", "direction").rows() == [(when, "down")]
    expected, lower = judged.filter(pl.col("date") == when).select("expected", "lower").row(0)
    assert 20.0 < lower < 50.0 < expected


def test_a_schedule_of_one_run_a_day_that_ran_on_all_days_of_the_last_year_end_alarms_where_it_does_not() -> None:
    one_run = BUSY.with_columns(cost=pl.lit(1.0), runs=pl.lit(1.0), cost_squared=pl.lit(1.0))
    when = date(2025, 12, 28)
    missed = one_run.with_columns(
        pl.when(pl.col("date") == when).then(0.0).otherwise(pl.col(name)).alias(name)
        for name in ("cost", "runs", "cost_squared")
    )
    assert alarms(missed) == [(when, "down")]
