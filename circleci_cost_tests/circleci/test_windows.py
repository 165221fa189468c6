"""Which windows are asked for."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.circleci import Plan, Window, plan_windows

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def test_a_window_is_whole_days_and_ends_before_midnight() -> None:
    window = Window(date(2026, 2, 27), date(2026, 3, 1))
    assert (window.start, window.end) == ("2026-02-27T00:00:00Z", "2026-03-01T23:59:59Z")
    assert (str(window), str(Window(window.last_day, window.last_day))) == (
        "2026-02-27 to 2026-03-01",
        "2026-03-01",
    )


def test_a_hole_splits_the_windows_and_order_and_repetition_do_not_matter() -> None:
    wanted = [date(2026, 11, 5), date(2026, 11, 3), date(2026, 11, 2), date(2026, 11, 3)]
    assert plan_windows(wanted, NOW) == Plan(
        [Window(date(2026, 11, 2), date(2026, 11, 3)), Window(date(2026, 11, 5), date(2026, 11, 5))], [], []
    )


def test_f004_no_window_is_wider_than_31_dates() -> None:
    assert plan_windows(days(date(2026, 1, 1), 63), NOW).windows == [
        Window(date(2026, 1, 1), date(2026, 1, 31)),
        Window(date(2026, 2, 1), date(2026, 3, 3)),
        Window(date(2026, 3, 4), date(2026, 3, 4)),
    ]


def test_today_and_later_are_not_there_yet() -> None:
    assert plan_windows(days(date(2026, 11, 21), 3), NOW) == Plan(
        [Window(date(2026, 11, 21), date(2026, 11, 21))], [], [date(2026, 11, 22), date(2026, 11, 23)]
    )


def test_f075_the_29th_of_february_and_the_ends_of_months_and_years_are_days_like_others() -> None:
    now = datetime(2024, 3, 10, tzinfo=UTC)
    assert plan_windows(days(date(2023, 12, 30), 63), now).windows == [
        Window(date(2023, 12, 30), date(2024, 1, 29)),
        Window(date(2024, 1, 30), date(2024, 2, 29)),
        Window(date(2024, 3, 1), date(2024, 3, 1)),
    ]


def test_f078_the_13_month_edge_is_366_days_to_the_second() -> None:
    wanted = days(date(2025, 11, 20), 4)
    noon = plan_windows(wanted, NOW)
    assert (noon.windows, noon.out_of_reach) == ([Window(date(2025, 11, 22), date(2025, 11, 23))], wanted[:2])
    midnight = datetime(2026, 11, 22, tzinfo=UTC)
    assert plan_windows(wanted, midnight).out_of_reach == wanted[:1]
    assert plan_windows(wanted, midnight + timedelta(microseconds=1)).out_of_reach == wanted[:2]
    assert plan_windows(wanted, NOW, reach_days=400).out_of_reach == []


@given(st.lists(st.dates(date(2025, 10, 1), date(2026, 12, 31)), max_size=120))
def test_each_day_is_asked_for_once_or_named(wanted: list[date]) -> None:
    plan = plan_windows(wanted, NOW)
    asked = [
        day for window in plan.windows for day in days(window.first_day, (window.last_day - window.first_day).days + 1)
    ]
    assert sorted([*asked, *plan.out_of_reach, *plan.not_yet]) == sorted(set(wanted))
    assert all((window.last_day - window.first_day).days < 31 for window in plan.windows)
