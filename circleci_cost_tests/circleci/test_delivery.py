"""Days that CircleCI has not brought yet are not asked for, and not waited for."""

from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest

from circleci_cost.circleci import Plan, Window, plan_windows
from circleci_cost.circleci.delivery import awaited_sentence, is_awaited, newest_day
from circleci_cost.lake.settling import unsettled_days
from circleci_cost.warehouse.core.statements import sql
from circleci_cost_tests.circleci.harness import NOW, Harness
from circleci_cost_tests.simulator_faults.actions import completed_without_urls

TODAY = date(2026, 11, 23)
YESTERDAY, BEFORE = date(2026, 11, 22), date(2026, 11, 21)


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 23, hour, minute, second, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "newest", "awaited"),
    [
        (at(0), BEFORE, True),
        (at(7, 59, 59), BEFORE, True),
        (at(8), YESTERDAY, True),
        (at(9, 59, 59), YESTERDAY, True),
        (at(10), YESTERDAY, False),
        (at(23, 59, 59), YESTERDAY, False),
    ],
)
def test_a_day_is_brought_from_8_to_10_of_the_next_one(now: datetime, newest: date, *, awaited: bool) -> None:
    assert (newest_day(now), is_awaited(YESTERDAY, now)) == (newest, awaited)
    assert plan_windows([BEFORE, YESTERDAY, TODAY], now).windows == [Window(BEFORE, newest)]
    # SQL judges landed exports by the same hour.
    with duckdb.connect() as connection:
        connection.execute(sql("core/macros"))
        held = connection.execute("SELECT holds_whole_day(?, ?)", [YESTERDAY, now.replace(tzinfo=None)]).fetchall()
    assert held == [(not awaited,)]


def test_after_midnight_nothing_is_asked_where_only_yesterday_is_wanted() -> None:
    assert plan_windows([YESTERDAY], at(0, 30)) == Plan([], [], [YESTERDAY])


def test_what_is_not_there_yet_is_said_with_the_time_when_it_will_be() -> None:
    when = (
        "CircleCI brings a day between 08:00 and 10:00 UTC of the next one. The first sync after 10:00 UTC fetches it."
    )
    assert awaited_sentence(at(0), YESTERDAY) == f"2026-11-22 is not there yet: {when}"
    assert awaited_sentence(at(9), BEFORE) == f"2026-11-22 may not be there yet, or not all of it: {when}"
    assert awaited_sentence(at(10), BEFORE) is None
    assert awaited_sentence(at(0), TODAY) is None


def test_f021_a_day_that_may_not_be_there_yet_is_believed_to_be_empty_at_once_and_stays_open(site: Harness) -> None:
    site.fault("poll", completed_without_urls(), times=None)
    site.clock.advance(at(9, 59) - NOW)
    landed = site.fetch(Window(YESTERDAY, YESTERDAY))
    assert (landed.manifest.parts, len(site.asked("poll")), site.watcher.waits) == ((), 1, [])
    assert unsettled_days([YESTERDAY], [landed], 1, trust_imports=True) == [YESTERDAY]


@pytest.mark.parametrize(("first", "minutes"), [(BEFORE, 0), (YESTERDAY, 1)])
def test_f021_days_that_should_be_there_are_believed_to_be_empty_after_a_minute(
    site: Harness, first: date, minutes: int
) -> None:
    site.fault("poll", completed_without_urls(), times=None)
    site.clock.advance(at(9, 59) + timedelta(minutes=minutes) - NOW)
    site.fetch(Window(first, YESTERDAY))
    assert len(site.asked("poll")) == 4
