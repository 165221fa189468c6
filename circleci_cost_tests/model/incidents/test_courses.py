"""An incident that goes on explains further alarms only as far as its own size; what it has brought is told once."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

import polars as pl

from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.incidents.incidents import incidents
from circleci_cost_tests.model.anomalies.builders import hierarchy_of, judged, place

DAYS = 84
SPIKE, SHIFT, DRIFT = ("spike", "up", 2.0), ("level_shift", "up", 2.0), ("drift", "up", 1.5)
WEAK, OUTAGE = ("level_shift", "up", 1.05), ("outage", "down", 2.0)
SETTINGS = Anomalies(minimum_impact_usd=Decimal(1), minimum_impact_share=Decimal("0.05"))
SERIES = ["acme", "acme/p1", "acme/p2", "acme/p3", "acme/p1/build"]
Alarms = Mapping[int, tuple[str, str, float]]


def course(
    name: str,
    costs: Mapping[int, float],
    alarms: Alarms,
    *,
    usual: float = 100.0,
    learned: Mapping[int, float] | None = None,
) -> pl.DataFrame:
    """A series that costs the same each day but for some, of which as much is expected but for what was learned."""
    values = [costs.get(day, usual) for day in range(DAYS)]
    return judged(values, [(learned or {}).get(day, usual) for day in range(DAYS)], alarms, name)


def days(first: int, last: int, value: float) -> dict[int, float]:
    return dict.fromkeys(range(first, last + 1), value)


def alarms(numbers: Iterable[int], alarm: tuple[str, str, float] = SHIFT) -> dict[int, tuple[str, str, float]]:
    return dict.fromkeys(numbers, alarm)


def reported(*courses: pl.DataFrame) -> list[tuple[str, int, int]]:
    """Series, first and last day of the incidents."""
    rows = incidents(pl.concat(courses), hierarchy_of(SERIES), SETTINGS).select("series", "first_day", "last_day")
    return [(series, place(first), place(last)) for series, first, last in rows.iter_rows()]


def test_a_spike_within_a_shift_that_has_been_open_for_weeks_is_an_incident_of_its_own() -> None:
    # The organization is in alarm from day 30 on without a week's rest; a project has its spike on day 50.
    shifted = {**days(30, 83, 150.0), 50: 400.0}
    shift = course("acme", {**days(30, 83, 450.0), 50: 700.0}, alarms(range(30, 76)), usual=300.0)
    project = course("acme/p1", shifted, {**alarms(range(30, 36)), 50: SPIKE}, learned=days(37, 83, 150.0))
    others = [course(f"acme/{name}", days(30, 83, 150.0), alarms(range(30, 36))) for name in ("p2", "p3")]
    rows = reported(shift, project, *others)
    assert rows[0][:2] == ("acme", 30)
    assert [row[:2] for row in rows[1:]] == [("acme/p1", 50)]


def test_a_second_step_of_the_same_series_is_an_incident_of_its_own() -> None:
    steps = {**days(30, 49, 150.0), **days(50, 83, 500.0)}
    assert reported(course("acme", steps, alarms(range(30, 56)))) == [("acme", 30, 49), ("acme", 50, 55)]


def test_a_step_that_is_small_for_the_change_that_goes_on_belongs_to_it() -> None:
    steps = {**days(30, 49, 200.0), **days(50, 83, 240.0)}
    assert reported(course("acme", steps, alarms(range(30, 56)))) == [("acme", 30, 55)]


def test_slow_growth_is_one_incident() -> None:
    growing = {day: 100.0 * 1.02 ** (day - 29) for day in range(30, DAYS)}
    assert reported(course("acme", growing, alarms(range(36, DAYS)))) == [("acme", 36, DAYS - 1)]


def test_alarms_at_the_level_that_an_incident_has_brought_are_the_rest_of_it() -> None:
    again = course("acme", days(30, 83, 150.0), {**alarms(range(30, 35)), **alarms(range(44, 48))})
    assert reported(again) == [("acme", 30, 47)]


def test_alarms_far_above_the_level_that_an_incident_has_brought_are_another_one() -> None:
    again = {**days(30, 43, 150.0), **days(44, 83, 300.0)}
    daily = course("acme", again, {**alarms(range(30, 35)), **alarms(range(44, 48))})
    assert reported(daily) == [("acme", 30, 34), ("acme", 44, 47)]


def test_a_drift_of_a_part_that_reaches_back_to_the_incident_of_its_whole_is_the_rest_of_it() -> None:
    whole = course("acme", days(30, 83, 450.0), alarms(range(30, 36)), usual=300.0)
    part = course("acme/p1", days(30, 83, 200.0), alarms(range(45, 48), DRIFT))
    assert reported(whole, part) == [("acme", 30, 47)]


def test_a_whole_that_alarms_late_because_of_a_part_is_not_told_again() -> None:
    part = course("acme/p1", days(30, 83, 200.0), alarms(range(30, 36)))
    whole = course("acme", days(30, 83, 400.0), alarms(range(40, 44)), usual=300.0)
    assert reported(part, whole) == [("acme/p1", 30, 43)]


def test_a_stop_of_all_while_a_part_stands_still_is_an_incident_of_its_own() -> None:
    part = course("acme/p1", days(30, 41, 0.0), alarms(range(30, 42), OUTAGE))
    whole = course("acme", {**days(30, 38, 200.0), **days(39, 41, 0.0)}, alarms(range(39, 42), OUTAGE), usual=300.0)
    others = [course(f"acme/{name}", days(39, 41, 0.0), alarms(range(39, 42), OUTAGE)) for name in ("p2", "p3")]
    rows = reported(part, whole, *others)
    assert ("acme", 39, 41) in rows
    assert rows[0][:2] == ("acme/p1", 30)


def test_a_weak_alarm_of_a_job_days_before_does_not_hide_a_stop_of_its_project() -> None:
    job = course("acme/p1/build", {39: 70.0}, {39: ("drop", "down", 1.02)})
    project = course("acme/p1", {45: 0.0}, {45: OUTAGE})
    whole = course("acme", {45: 1100.0}, {}, usual=1200.0)
    assert reported(job, project, whole) == [("acme/p1", 45, 45)]


def test_a_clear_spike_weeks_after_weak_alarms_is_measured_by_its_own_days() -> None:
    weak = {40: WEAK, 44: WEAK, 48: WEAK, 51: SPIKE}
    project = course("acme/p1", {**days(40, 50, 101.0), 51: 300.0}, weak)
    whole = course("acme", {51: 1200.0}, {}, usual=1000.0)
    assert [row[0] for row in reported(project, whole)] == ["acme/p1"]


def test_what_is_unusual_for_a_new_project_later_is_not_that_it_is_new() -> None:
    begins = {10: ("new", "up", 3.0)}
    costs = {**days(0, 9, 0.0), **days(10, 83, 50.0), 40: 300.0}
    project = course(
        "acme/p1", costs, {**begins, 40: SPIKE}, usual=50.0, learned={**days(0, 16, 0.0), **days(17, 83, 50.0)}
    )
    whole = course("acme", {40: 550.0}, {}, usual=300.0)
    assert [row[:2] for row in reported(project, whole)] == [("acme/p1", 10), ("acme/p1", 40)]
