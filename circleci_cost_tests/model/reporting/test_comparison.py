"""Which days are compared: as many complete ones of each, or none, and the reason."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.day_ranges import DayRange
from circleci_cost.days import days_between
from circleci_cost.errors import UsageError
from circleci_cost.model.reporting.comparison import Change, Compared, Withheld, compare, with_costs
from circleci_cost.model.reporting.report import Amount

THROUGH = date(2026, 11, 27)


def days(first: str, last: str) -> DayRange:
    return DayRange(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("mode", "period", "current", "before"),
    [
        ("previous", ("2026-10-29", "2026-11-27"), ("2026-10-29", "2026-11-27"), ("2026-09-29", "2026-10-28")),
        ("weekdays", ("2026-10-29", "2026-11-27"), ("2026-10-29", "2026-11-27"), ("2026-09-24", "2026-10-23")),
        ("weekdays", ("2026-11-21", "2026-11-27"), ("2026-11-21", "2026-11-27"), ("2026-11-14", "2026-11-20")),
        ("weekdays", ("2026-11-27", "2026-11-27"), ("2026-11-27", "2026-11-27"), ("2026-11-20", "2026-11-20")),
        # A month that is not over: its complete days against as many.
        ("previous", ("2026-11-01", "2026-11-30"), ("2026-11-01", "2026-11-27"), ("2026-10-05", "2026-10-31")),
        (
            "2026-10-01:2026-10-30",
            ("2026-11-01", "2026-11-30"),
            ("2026-11-01", "2026-11-27"),
            ("2026-10-01", "2026-10-27"),
        ),
    ],
)
def test_the_days_before_are_as_many_as_the_complete_ones(
    mode: str, period: tuple[str, str], current: tuple[str, str], before: tuple[str, str]
) -> None:
    assert compare(mode, days(*period), THROUGH) == Compared(days(*current), days(*before))


@pytest.mark.parametrize(
    ("mode", "first", "last", "reason"),
    [
        ("previous", 28, 30, "No day of 2026-11-28 to 2026-11-30 is complete yet: the data reach to 2026-11-27."),
        (
            "2026-10-01:2026-10-31",
            1,
            30,
            "2026-11-01 to 2026-11-30 has 30 days and 2026-10-01 to 2026-10-31 has 31 days: only equally many days are "
            "compared.",
        ),
        ("2027-01-01:2027-01-02", 1, 2, "2027-01-01 to 2027-01-02 is not complete yet: the data reach to 2026-11-27."),
        ("previous", 9, 12, "The data begin on 2026-11-06: there are too few days before 2026-11-09."),
        ("weekdays", 12, 12, "The data begin on 2026-11-06: there are too few days before 2026-11-12."),
        ("2026-11-05:2026-11-06", 20, 21, "The data begin on 2026-11-06: there are too few days before 2026-11-20."),
    ],
)
def test_what_cannot_be_compared_is_withheld_with_its_reason(mode: str, first: int, last: int, reason: str) -> None:
    period = DayRange(date(2026, 11, first), date(2026, 11, last))
    assert compare(mode, period, THROUGH, since=date(2026, 11, 6)) == Withheld(reason)


def test_without_a_complete_day_and_before_the_calendar_there_is_nothing_to_compare() -> None:
    everything = DayRange(date.min, date.max)
    assert compare("previous", everything, None) == Withheld("No day is complete for every cost center yet.")
    assert isinstance(compare("previous", everything, THROUGH), Withheld)
    assert isinstance(compare("weekdays", everything, date.max), Withheld)


def test_a_day_without_data_in_either_part_withholds_the_change() -> None:
    period = days("2026-11-20", "2026-11-26")
    for gone in (date(2026, 11, 22), date(2026, 11, 15)):
        assert compare("previous", period, THROUGH, {gone}) == Withheld(f"There are no complete data for {gone}.")
    assert isinstance(compare("previous", period, THROUGH, {date(2026, 11, 12), date(2026, 11, 27)}), Compared)


def test_nothing_is_compared_where_it_is_off_and_other_words_are_refused() -> None:
    assert compare("off", days("2026-11-01", "2026-11-02"), None) is None
    with pytest.raises(
        UsageError, match="compare 'yesterday' is no period; write off, weekdays, previous, or two days"
    ):
        compare("yesterday", days("2026-11-01", "2026-11-02"), THROUGH)
    with pytest.raises(UsageError, match="compare '2026-11-02:2026-11-01' begins after it ends; exchange the days"):
        compare("2026-11-02:2026-11-01", days("2026-11-01", "2026-11-02"), THROUGH)


@given(
    st.sampled_from(["previous", "weekdays"]),
    st.dates(),
    st.integers(0, 800),
    st.dates(),
    st.sets(st.integers(0, 3000), max_size=2),
)
def test_compared_days_are_equally_many_complete_and_apart(
    mode: str, first: date, length: int, through: date, gone: set[int]
) -> None:
    last = min(first.toordinal() + length, date.max.toordinal())
    period = DayRange(first, date.fromordinal(last))
    missing = {date.fromordinal(min(max(1, last - back), date.max.toordinal())) for back in gone}
    result = compare(mode, period, through, missing)
    if isinstance(result, Withheld):
        assert result.reason.endswith(".")
        return
    assert result is not None
    current, before = result.current, result.before
    assert (current.first, current.days) == (period.first, before.days)
    assert before.last < current.first
    assert current.last == min(period.last, through)
    assert missing.isdisjoint({*days_between(current.first, current.last), *days_between(before.first, before.last)})
    moved = current.first - before.first
    if mode == "weekdays":
        assert moved.days % 7 == 0
        assert current.days <= moved.days < current.days + 7
    else:
        assert before.last + timedelta(days=1) == current.first


def amount(cost: str | None, unpriced: str = "0") -> Amount:
    return Amount(None if cost is None else Decimal(cost), Decimal(100), Decimal(unpriced), 1, 1, 60)


def test_a_change_is_exact_and_its_share_needs_a_cost_before() -> None:
    compared = Compared(days("2026-11-02", "2026-11-02"), days("2026-11-01", "2026-11-01"))
    changed = with_costs(compared, amount("3.0000000000000001"), amount("1.5"))
    assert isinstance(changed, Compared)
    assert changed.change == Change(Decimal("3.0000000000000001"), Decimal("1.5"))
    assert (str(changed.change.difference), Change(Decimal(1), Decimal(0)).share) == ("1.5000000000000001", None)
    assert Change(Decimal(3), Decimal(4)).share == Decimal("-0.25")


@pytest.mark.parametrize(
    ("now", "before", "day"),
    [
        (amount("1", "7.5"), amount("1"), "2026-11-02"),
        (amount("1"), amount("1", "7.5"), "2026-11-01"),
        (amount(None, "7.5"), amount("1"), "2026-11-02"),
    ],
)
def test_credits_without_a_price_in_either_part_withhold_the_change(now: Amount, before: Amount, day: str) -> None:
    compared = Compared(days("2026-11-02", "2026-11-02"), days("2026-11-01", "2026-11-01"))
    assert with_costs(compared, now, before) == Withheld(f"7.5 credits of {day} have no price.")
