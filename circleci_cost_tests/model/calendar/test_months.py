"""The analogues of days in the former months, against the calendar of the standard library."""

from calendar import monthrange
from datetime import date, timedelta

import pytest

from circleci_cost.model.calendar.months import FORMER_MONTHS, SCHEMES, analogues

FIRST = date(2025, 11, 10)
DAYS = 900


def same_place(scheme: str, day: date) -> tuple[int, ...]:
    """What a day and its analogues have in common."""
    length = monthrange(day.year, day.month)[1]
    match scheme:
        case "day":
            return (day.day,)
        case "day_from_end":
            return (length - day.day,)
        case "weekday":
            return (day.weekday(), (day.day - 1) // 7)
    return (day.weekday(), (length - day.day) // 7)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_each_analogue_has_the_place_of_its_day_in_one_of_the_two_months_before(scheme: str) -> None:
    dates = [FIRST + timedelta(days=number) for number in range(DAYS)]
    by_place = {(day.year * 12 + day.month, same_place(scheme, day)): number for number, day in enumerate(dates)}
    found = analogues(FIRST, DAYS)[SCHEMES.index(scheme)]
    for back in range(1, FORMER_MONTHS + 1):
        expected = [by_place.get((day.year * 12 + day.month - back, same_place(scheme, day)), -1) for day in dates]
        assert found[back - 1].tolist() == expected


def test_the_last_friday_is_found_again_though_its_day_of_the_month_differs() -> None:
    first = date(2026, 1, 1)
    friday = (date(2026, 3, 27) - first).days
    positions = analogues(first, friday + 1)[SCHEMES.index("weekday_from_end"), :, friday]
    assert [first + timedelta(days=int(position)) for position in positions] == [date(2026, 2, 27), date(2026, 1, 30)]
