"""Price periods and their daily rates: exactly one rate per day; gaps and overlaps are named."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.day_ranges import DayRange, as_ranges, say_ranges
from circleci_cost.model.pricing.price_gaps import gaps
from circleci_cost.model.pricing.price_periods import PricePeriod, content_hash, daily_rates, overlaps

FIRST, LAST = date(2024, 2, 1), date(2024, 4, 30)


def period(first: str, last: str | None, price: str = "0.0006", cost_center: str = "acme") -> PricePeriod:
    return PricePeriod(
        cost_center, date.fromisoformat(first), date.fromisoformat(last) if last else None, Decimal(price)
    )


def test_each_day_has_the_price_of_its_period_and_the_change_is_at_midnight() -> None:
    rates = daily_rates([period("2024-01-01", "2024-02-28", "0.0005"), period("2024-02-29", None)], FIRST, LAST)
    around = rates.filter(pl.col("date").is_between(date(2024, 2, 28), date(2024, 3, 1)))
    assert around.rows() == [
        ("acme", date(2024, 2, 28), Decimal("0.0005")),
        ("acme", date(2024, 2, 29), Decimal("0.0006")),
        ("acme", date(2024, 3, 1), Decimal("0.0006")),
    ]
    assert rates.height == 90


def test_a_gap_has_no_rate_and_is_named() -> None:
    periods = [period("2024-01-01", "2024-02-10"), period("2024-02-20", "2024-03-31")]
    assert gaps(periods, FIRST, LAST) == [
        DayRange(date(2024, 2, 11), date(2024, 2, 19)),
        DayRange(date(2024, 4, 1), date(2024, 4, 30)),
    ]
    assert daily_rates(periods, FIRST, LAST).height == 10 + 41


def test_without_any_period_every_day_is_a_gap() -> None:
    assert gaps([], FIRST, LAST) == [DayRange(FIRST, LAST)]
    assert daily_rates([], FIRST, LAST).is_empty()


@pytest.mark.parametrize(
    ("first", "second", "days"),
    [
        (("2024-01-01", "2024-02-10"), ("2024-02-10", None), DayRange(date(2024, 2, 10), date(2024, 2, 10))),
        (("2024-01-01", None), ("2024-02-10", "2024-02-12"), DayRange(date(2024, 2, 10), date(2024, 2, 12))),
        (("2024-01-01", None), ("2024-02-10", None), DayRange(date(2024, 2, 10), date(2024, 2, 10))),
    ],
)
def test_an_overlap_names_its_days(
    first: tuple[str, str | None], second: tuple[str, str | None], days: DayRange
) -> None:
    periods = [period(*first), period(*second, price="0.0005")]
    assert [shared for _, _, shared in overlaps(periods)] == [days]
    assert [shared for _, _, shared in overlaps(periods[::-1])] == [days]


def test_adjacent_periods_do_not_overlap() -> None:
    assert overlaps([period("2024-01-01", "2024-02-10"), period("2024-02-11", None)]) == []


def test_the_hash_follows_the_content_and_not_its_spelling_or_order() -> None:
    earlier, later = period("2024-01-01", "2024-02-10", "0.0006"), period("2024-02-11", None, "0.0005")
    assert content_hash([earlier, later]) == content_hash([later, period("2024-01-01", "2024-02-10", "0.00060")])
    assert content_hash([earlier, later]) != content_hash([earlier, period("2024-02-11", None, "0.00051")])
    assert content_hash([earlier, later]) != content_hash([earlier])


days = st.integers(0, 400).map(lambda offset: date(2024, 1, 1) + timedelta(days=offset))


@given(st.lists(st.tuples(days, st.one_of(st.none(), st.integers(0, 60))), max_size=6))
def test_rates_gaps_and_overlaps_agree_with_a_count_day_by_day(drawn: list[tuple[date, int | None]]) -> None:
    periods = [
        PricePeriod("acme", first, None if length is None else first + timedelta(days=length), Decimal("0.0006"))
        for first, length in drawn
    ]
    span = [FIRST + timedelta(days=offset) for offset in range((LAST - FIRST).days + 1)]
    last = date(2026, 1, 1)
    everywhere = [date(2024, 1, 1) + timedelta(days=offset) for offset in range((last - date(2024, 1, 1)).days)]

    def count(day: date) -> int:
        return sum(p.effective_from <= day <= (p.effective_until or date.max) for p in periods)

    assert bool(overlaps(periods)) == any(count(day) > 1 for day in everywhere)
    assert gaps(periods, FIRST, LAST) == as_ranges(day for day in span if count(day) == 0)
    if not overlaps(periods):
        assert daily_rates(periods, FIRST, LAST)["date"].to_list() == [day for day in span if count(day) == 1]


@given(st.sets(days, max_size=40))
def test_ranges_hold_exactly_the_days_they_were_joined_from(single_days: set[date]) -> None:
    ranges = as_ranges(single_days)
    spread = {days.first + timedelta(days=offset) for days in ranges for offset in range(days.days)}
    assert spread == single_days
    assert all(later.first - earlier.last > timedelta(days=1) for earlier, later in pairwise(ranges))


def test_many_ranges_are_counted_not_listed() -> None:
    ranges = [DayRange(date(2024, 1, day), date(2024, 1, day)) for day in range(1, 15, 2)]
    assert say_ranges(ranges, most=2) == "2024-01-01, 2024-01-03 and 5 more ranges (5 days)"
    assert say_ranges(ranges[:3], most=2) == "2024-01-01, 2024-01-03 and 1 more range (1 day)"
