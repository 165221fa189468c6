"""What is news: not what a series did a month before or does time and again, nor the end of what was hardly there."""

from collections.abc import Iterable, Mapping
from datetime import date

import polars as pl
import pytest

from circleci_cost.model.incidents.incidents import incidents
from circleci_cost_tests.model.anomalies.builders import day, hierarchy_of, judged
from circleci_cost_tests.model.incidents.test_facts import SETTINGS

DAYS, USUAL = 150, 10.0


def told(costs: Mapping[int, float], alarms: Iterable[int], usual: float = USUAL, way: str = "up") -> list[date]:
    """The days on which incidents are reported, of days that cost something else and of those of them that alarm."""
    values = [costs.get(number, usual) for number in range(DAYS)]
    kind = "spike" if way == "up" else "vanished"
    rows = judged(values, [usual or 1e-9] * DAYS, {number: (kind, way, 2.0) for number in alarms})
    return incidents(rows, hierarchy_of(["acme"]), SETTINGS).get_column("told_on").to_list()


def on(*dates: tuple[int, int]) -> list[int]:
    """The positions of months and days."""
    first = day(0)
    return [(date(first.year, month, number) - first).days for month, number in dates]


def test_a_batch_of_the_same_day_of_the_month_is_reported_once() -> None:
    batches = on((3, 15), (4, 15))
    assert told(dict.fromkeys(batches, 40.0), batches) == [day(batches[0])]
    assert told(dict.fromkeys(batches, 40.0), batches, usual=0.0) == [day(batches[0])]


def test_what_is_more_than_twice_the_former_batch_or_on_another_day_is_news() -> None:
    first, second = on((3, 15), (4, 15))
    assert told({first: 40.0, second: 100.0}, (first, second)) == [day(first), day(second)]
    other = on((4, 10))[0]
    assert told({first: 40.0, other: 40.0}, (first, other)) == [day(first), day(other)]


def test_a_shift_that_begins_on_the_day_of_a_batch_is_reported_when_it_outlasts_it() -> None:
    first, second = on((3, 15), (4, 15))
    shifted = range(second, second + 8)
    assert told({first: 40.0} | dict.fromkeys(shifted, 40.0), (first, *shifted)) == [day(first), day(second + 1)]


def test_a_shift_a_month_ago_explains_no_spike() -> None:
    first, second = on((3, 15), (4, 15))
    shifted = range(first, first + 8)
    days = {number: 40.0 for number in (*shifted, second)}
    assert told(days, days) == [day(first), day(second)]


def test_rises_of_every_few_weeks_are_a_habit_from_the_third_on() -> None:
    bursts = [60, 73, 91, 104]
    assert told(dict.fromkeys(bursts, 40.0), bursts) == [day(60), day(73)]
    assert told(dict.fromkeys(bursts, 40.0) | {104: 100.0}, bursts) == [day(60), day(73), day(104)]


@pytest.mark.parametrize(("used", "reported"), [(range(0, 100), 1), (range(2, 100, 7), 1), ((69, 97, 98, 99), 0)])
def test_only_what_was_used_for_weeks_can_end(used: Iterable[int], reported: int) -> None:
    costs = dict.fromkeys(range(DAYS), 0.0) | dict.fromkeys(used, 10.0)
    assert len(told(costs, range(104, 110), way="down")) == reported


def test_later_days_do_not_change_what_was_news() -> None:
    batches = on((3, 15), (4, 15), (5, 15))
    values = [40.0 if number in batches else USUAL for number in range(DAYS)]
    rows = judged(values, [USUAL] * DAYS, {number: ("spike", "up", 2.0) for number in batches})
    for through in (batches[0], batches[1], batches[1] + 20, DAYS - 1):
        known = rows.filter(pl.col("date") <= day(through))
        reported = incidents(known, hierarchy_of(["acme"]), SETTINGS).get_column("told_on").to_list()
        assert reported == [day(batches[0])]
