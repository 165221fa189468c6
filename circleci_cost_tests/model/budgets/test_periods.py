"""Periods of budgets against Python's own calendar."""

import calendar
from datetime import date, timedelta
from typing import get_args

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.model.budgets.periods import PERIODS, BudgetPeriod, Period, next_period, period_of, periods_between

DAYS = st.dates(date(1999, 1, 1), date(2101, 12, 31))
KINDS = st.sampled_from(list(PERIODS))


@given(DAYS)
def test_a_week_runs_from_monday_to_sunday_and_is_named_as_in_iso_8601(day: date) -> None:
    year, week, _ = day.isocalendar()
    first = date.fromisocalendar(year, week, 1)
    assert period_of("week", day) == BudgetPeriod(
        first, date.fromisocalendar(year, week, 7), "week", f"{year}-W{week:02}"
    )


@given(DAYS)
def test_a_month_ends_on_the_calendars_last_day(day: date) -> None:
    last = calendar.monthrange(day.year, day.month)[1]
    assert period_of("month", day) == BudgetPeriod(
        day.replace(day=1), day.replace(day=last), "month", day.isoformat()[:7]
    )


@given(DAYS)
def test_a_quarter_is_three_months_and_a_year_four_quarters(day: date) -> None:
    quarter, year = period_of("quarter", day), period_of("year", day)
    number = {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 2, 7: 3, 8: 3, 9: 3, 10: 4, 11: 4, 12: 4}[day.month]
    assert quarter.label == f"{day.year}-Q{number}"
    months = periods_between("month", quarter.first, quarter.last)
    assert [period.first.month for period in months] == [3 * number - 2, 3 * number - 1, 3 * number]
    assert (months[0].first, months[-1].last) == (quarter.first, quarter.last)
    assert year == BudgetPeriod(date(day.year, 1, 1), date(day.year, 12, 31), "year", str(day.year))
    quarters = periods_between("quarter", year.first, year.last)
    assert (len(quarters), quarters[0].first, quarters[-1].last) == (4, year.first, year.last)


@given(DAYS)
def test_a_half_year_begins_in_january_or_july_and_is_two_quarters(day: date) -> None:
    first, last, number = ((1, 1), (6, 30), 1) if day.month < 7 else ((7, 1), (12, 31), 2)
    half = period_of("half-year", day)
    assert half == BudgetPeriod(date(day.year, *first), date(day.year, *last), "half-year", f"{day.year}-H{number}")
    quarters = periods_between("quarter", half.first, half.last)
    assert (len(quarters), quarters[0].first, quarters[-1].last) == (2, half.first, half.last)


@given(KINDS, DAYS, st.integers(0, 800))
def test_periods_leave_no_day_out_and_no_day_twice(kind: Period, first: date, length: int) -> None:
    last = first + timedelta(days=length)
    periods = periods_between(kind, first, last)
    days = [period.first + timedelta(days=number) for period in periods for number in range(period.days)]
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert periods[0].first <= first <= periods[0].last
    assert periods[-1].first <= last <= periods[-1].last
    assert [next_period(period) for period in periods[:-1]] == periods[1:]


def test_every_period_of_the_configuration_is_described() -> None:
    assert tuple(PERIODS) == get_args(Period)
    assert all(12 % described.months == 0 for described in PERIODS.values() if described.months)


@given(KINDS, st.lists(DAYS, min_size=1))
def test_polars_cuts_days_into_the_same_periods(kind: Period, days: list[date]) -> None:
    cut = pl.Series(days).dt.truncate(PERIODS[kind].polars_duration)
    assert cut.to_list() == [period_of(kind, day).first for day in days]


@given(KINDS, DAYS)
def test_a_label_names_one_period_and_labels_are_in_the_order_of_time(kind: Period, day: date) -> None:
    period = period_of(kind, day)
    assert period.label < next_period(period).label


@pytest.mark.parametrize(
    ("day", "label", "days"),
    [
        (date(2024, 2, 29), "2024-02", 29),
        (date(2100, 2, 28), "2100-02", 28),
        (date(2000, 2, 1), "2000-02", 29),
        (date(2026, 12, 31), "2026-12", 31),
    ],
)
def test_february_has_a_29th_in_leap_years_only(day: date, label: str, days: int) -> None:
    period = period_of("month", day)
    assert (period.label, period.days) == (label, days)


def test_a_week_belongs_to_the_year_of_its_thursday() -> None:
    assert period_of("week", date(2027, 1, 3)).label == "2026-W53"
    assert period_of("week", date(2024, 12, 30)).label == "2025-W01"


def test_no_day_between_means_no_period() -> None:
    assert periods_between("month", date(2026, 3, 1), date(2026, 2, 28)) == []
