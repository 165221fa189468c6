"""The former days that a day may repeat, by all rules."""

from datetime import date, timedelta

import numpy as np

from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.calendar.recurrences import recurrences

FIRST = date(2025, 10, 20)
GERMANY = Calendar(country="DE")


def former_days(day: date) -> set[tuple[date | None, ...]]:
    """What the rules give for a day."""
    number = (day - FIRST).days
    positions = recurrences(FIRST, number + 1, GERMANY).positions[:, :, number]
    return {
        tuple(FIRST + timedelta(days=int(at)) if at >= 0 else None for at in of_rule) for of_rule in positions.tolist()
    }


def test_a_31st_is_found_again_in_the_months_that_have_one() -> None:
    assert (date(2026, 5, 31), date(2026, 3, 31), date(2026, 1, 31)) in former_days(date(2026, 7, 31))


def test_a_quarter_s_end_is_found_again_in_the_quarters_before() -> None:
    assert (date(2026, 6, 30), date(2026, 3, 31), date(2025, 12, 31)) in former_days(date(2026, 9, 30))


def test_the_first_working_day_knows_weekends_and_holidays() -> None:
    # 1 May is a holiday and a Friday, 1 March a Sunday; 2 January counts as a holiday.
    days = former_days(date(2026, 5, 4))
    assert (date(2026, 4, 1), date(2026, 3, 2), date(2026, 2, 2)) in days


def test_a_15th_on_a_weekend_is_found_on_its_monday_or_its_friday() -> None:
    assert (date(2026, 7, 15), date(2026, 6, 15), date(2026, 5, 15)) in former_days(date(2026, 8, 17))
    assert (date(2026, 7, 15), date(2026, 6, 15), date(2026, 5, 15)) in former_days(date(2026, 8, 14))
    assert (date(2026, 8, 17), date(2026, 7, 15), date(2026, 6, 15)) in former_days(date(2026, 9, 15))


def test_a_day_that_another_rule_expects_on_another_day_is_ambiguous() -> None:
    # Three fourth Fridays that were the last ones as well, then a month of five.
    known = recurrences(FIRST, 400, GERMANY)
    for day in (date(2026, 5, 22), date(2026, 5, 29)):
        of_day = known.positions[:, :, (day - FIRST).days].tolist()
        rule = of_day.index([(when - FIRST).days for when in (date(2026, 4, 24), date(2026, 3, 27), date(2026, 2, 27))])
        assert not known.unambiguous[rule, (day - FIRST).days]
    first = (date(2026, 9, 1) - FIRST).days
    assert known.unambiguous[0, first]


def test_the_recurrences_of_a_day_do_not_depend_on_the_days_after_it() -> None:
    whole = recurrences(FIRST, 400, GERMANY)
    for days in (1, 45, 222, 239, 250, 399):
        part = recurrences(FIRST, days, GERMANY)
        np.testing.assert_array_equal(part.positions, whole.positions[:, :, :days])
        np.testing.assert_array_equal(part.unambiguous, whole.unambiguous[:, :days])
