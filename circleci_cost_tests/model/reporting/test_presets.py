"""Named periods as days, whatever the day is."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import UsageError
from circleci_cost.model.reporting.presets import PRESETS, Reach, preset_days

REACH = Reach(date(2026, 11, 26), DayRange(date(2025, 10, 28), date(2026, 11, 27)), date(2026, 11, 27))


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("7d", "2026-11-20", "2026-11-26"),
        ("30d", "2026-10-28", "2026-11-26"),
        ("90d", "2026-08-29", "2026-11-26"),
        ("this_month", "2026-11-01", "2026-11-27"),
        ("last_month", "2026-10-01", "2026-10-31"),
        ("this_quarter", "2026-10-01", "2026-11-27"),
        ("12m", "2025-11-01", "2026-10-31"),
        ("all", "2025-10-28", "2026-11-27"),
    ],
)
def test_a_named_period_is_these_days(name: str, first: str, last: str) -> None:
    assert preset_days(name, REACH) == DayRange(date.fromisoformat(first), date.fromisoformat(last))


def test_a_month_whose_last_day_is_complete_is_the_last_of_the_twelve_and_still_this_one() -> None:
    """On the first of a month there is no complete day of it yet."""
    reach = Reach(date(2026, 2, 28), DayRange(date(2025, 1, 1), date(2026, 3, 1)), date(2026, 3, 1))
    assert preset_days("12m", reach) == DayRange(date(2025, 3, 1), date(2026, 2, 28))
    assert preset_days("this_month", reach) == DayRange(date(2026, 2, 1), date(2026, 2, 28))
    assert preset_days("last_month", reach) == DayRange(date(2026, 1, 1), date(2026, 1, 31))


def test_without_any_data_periods_end_yesterday() -> None:
    reach = Reach(None, None, date(2026, 11, 27))
    assert preset_days("7d", reach) == DayRange(date(2026, 11, 21), date(2026, 11, 27))
    assert preset_days("all", reach) == DayRange(date(2026, 11, 27), date(2026, 11, 27))


def test_an_unknown_period_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="There is no period '31d'; did you mean '30d'"):
        preset_days("31d", REACH)
    with pytest.raises(UsageError, match=r"there are: 30d, 7d, 90d, this_month, last_month, this_quarter, 12m, all\."):
        preset_days("x", REACH)


@given(st.sampled_from(PRESETS), st.none() | st.dates(), st.none() | st.tuples(st.dates(), st.dates()), st.dates())
def test_every_period_is_in_order_and_within_the_calendar(
    name: str, through: date | None, ends: tuple[date, date] | None, yesterday: date
) -> None:
    available = DayRange(min(ends), max(ends)) if ends else None
    reach = Reach(through, available, yesterday)
    days = preset_days(name, reach)
    assert days.first <= days.last
    if name.endswith("d"):
        assert days.last == reach.end
        assert days.days == int(name[:-1]) or days.first == date.min
    if name in {"this_month", "this_quarter"}:
        assert days.first <= reach.end <= days.last
        assert days.first.day == 1
    if name in {"last_month", "12m"} and days.first > date(1, 1, 1):
        assert days.first.day == (days.last + timedelta(days=1)).day == 1
        assert days.last <= reach.end
