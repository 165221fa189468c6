"""The periods of a chart, and the small bars in a table."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.sparkline import HEIGHT, sparkline
from circleci_cost.explorer.time_axis import fitting_granularity, period_of, periods_of, starts_of
from circleci_cost.model.reporting.report import Granularity

FIRST = date(2026, 1, 7)


@pytest.mark.parametrize(
    ("days", "granularity"), [(1, "day"), (92, "day"), (93, "week"), (200, "week"), (201, "month")]
)
def test_the_more_days_the_longer_the_periods(days: int, granularity: str) -> None:
    assert fitting_granularity(DayRange(FIRST, FIRST + timedelta(days=days - 1))) == Granularity(granularity)


def test_weeks_begin_on_monday_and_months_on_their_first_day() -> None:
    days = DayRange(FIRST, date(2026, 2, 3))
    assert starts_of(days, Granularity.WEEK) == [date(2026, 1, 5) + timedelta(weeks=at) for at in range(5)]
    assert starts_of(days, Granularity.MONTH) == [date(2026, 1, 1), date(2026, 2, 1)]


def test_a_period_that_is_not_wholly_asked_for_or_known_is_incomplete() -> None:
    weeks = periods_of(DayRange(FIRST, date(2026, 1, 25)), Granularity.WEEK, lambda day: day != date(2026, 1, 20))
    assert [(week.label, week.short, week.incomplete) for week in weeks] == [
        ("Week of Mon 5 Jan 2026, 5 of 7 days", "5 Jan", True),
        ("Week of Mon 12 Jan 2026", "12 Jan", False),
        ("Week of Mon 19 Jan 2026, 6 of 7 days", "19 Jan", True),
    ]
    months = periods_of(DayRange(date(2025, 12, 1), date(2026, 2, 28)), Granularity.MONTH, lambda _: True)
    assert [(month.label, month.short) for month in months] == [
        ("December 2025", "Dec"),
        ("January 2026", "Jan 2026"),
        ("February 2026", "Feb"),
    ]
    (day,) = periods_of(DayRange(FIRST, FIRST), Granularity.DAY, lambda _: False)
    assert (day.label, day.incomplete) == (period_of(FIRST).label, True)


def test_small_bars_fill_their_height_and_leave_gaps_for_what_is_unknown() -> None:
    line = sparkline([Decimal(5), None, Decimal(10), Decimal(0), Decimal("0.001")])
    assert line.width == 20
    assert [(bar.x, bar.y, bar.height) for bar in line.bars] == [
        ("0.00", "10.00", "10.00"),
        ("8.00", "0.00", f"{HEIGHT}.00"),
        ("16.00", "19.00", "1.00"),
    ]


def test_a_long_course_stays_narrow_and_an_empty_one_has_no_bars() -> None:
    assert sparkline([Decimal(1)] * 1000).width == 160
    assert sparkline([]).bars == [] and sparkline([Decimal(0), None]).bars == []
