from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from circleci_cost.simulator import Event, EventKind, Scenario, demo_scenario, generate

from .builders import NOW, PAYING, scenario

FROM, UNTIL = date(2026, 5, 4), date(2026, 7, 12)
START, END = date(2026, 6, 9), date(2026, 6, 10)


def compute(of: Scenario, first: date, last: date, event: Event) -> int:
    """Return the compute credits of an event's scope."""
    ids = [one.id for one in of.organizations if one.name == event.organization]
    scope = {"PROJECT_NAME": event.project, "WORKFLOW_NAME": event.workflow, "JOB_NAME": event.job}
    matches = [pl.col(name) == value for name, value in scope.items() if value is not None]
    frames = generate(of, ids, first, last, NOW)
    return int(sum(frame.filter(*matches)["COMPUTE_CREDITS"].sum() for frame in frames))


def with_and_without(event: Event, first: date, last: date) -> float:
    """Return how much more the scope costs with the event than without it."""
    with_event = compute(scenario(event, jobs_per_day=2000.0), first, last, event)
    return with_event / compute(scenario(jobs_per_day=2000.0), first, last, event)


@pytest.mark.parametrize(
    "scope",
    [
        {},
        {"project": "web"},
        {"project": "web", "workflow": "build-and-test"},
        {"workflow": "nightly"},
        {"project": "web", "workflow": "build-and-test", "job": "unit-tests"},
    ],
)
def test_a_spike_multiplies_the_credits_of_its_scope_on_its_days(scope: dict[str, Any]) -> None:
    event = Event(EventKind.SPIKE, "initech", START, 3.0, END, **scope)
    assert with_and_without(event, START, END) == pytest.approx(3.0, rel=0.12)
    assert with_and_without(event, START - timedelta(days=3), START - timedelta(days=1)) == 1.0
    assert with_and_without(event, END + timedelta(days=1), END + timedelta(days=3)) == 1.0


def test_a_level_shift_stays() -> None:
    event = Event(EventKind.LEVEL_SHIFT, "initech", START, 1.5, project="web")
    assert with_and_without(event, START, UNTIL) == pytest.approx(1.5, rel=0.03)
    assert with_and_without(event, FROM, START - timedelta(days=1)) == 1.0


def test_a_drift_grows_day_by_day_and_stays() -> None:
    event = Event(EventKind.DRIFT, "initech", START, 2.0, START + timedelta(days=20), job="end-to-end")
    middle, last = START + timedelta(days=10), START + timedelta(days=20)
    assert with_and_without(event, START, START) == 1.0
    assert with_and_without(event, middle, middle) == pytest.approx(1.5, rel=0.01)
    assert with_and_without(event, last, UNTIL) == pytest.approx(2.0, rel=0.01)


def test_an_outage_leaves_no_rows() -> None:
    event = Event(EventKind.OUTAGE, "initech", START, 0.0, END)
    frames = generate(scenario(event), [PAYING], START - timedelta(days=1), END + timedelta(days=1), NOW)
    assert set(pl.concat(frames)["JOB_RUN_DATE"]) == {START - timedelta(days=1), END + timedelta(days=1)}


def test_a_changed_resource_class_costs_its_rate() -> None:
    event = Event(EventKind.RESOURCE_CLASS_CHANGE, "initech", START, 2.5, job="end-to-end", resource_class="2xlarge+")
    assert with_and_without(event, START, UNTIL) == pytest.approx(2.5, rel=0.01)
    frame = pl.concat(generate(scenario(event), [PAYING], START - timedelta(days=1), START, NOW))
    classes = frame.filter(pl.col("JOB_NAME") == "end-to-end").select("JOB_RUN_DATE", "RESOURCE_CLASS").unique()
    assert set(classes.rows()) == {(START - timedelta(days=1), "xlarge"), (START, "2xlarge+")}


def test_a_price_change_leaves_usage_as_it_is() -> None:
    event = Event(EventKind.PRICE_CHANGE, "initech", START, 1.1)
    assert with_and_without(event, FROM, UNTIL) == 1.0


@pytest.mark.parametrize("today", [date(2026, 11, 22), date(2027, 1, 1), date(2028, 2, 29)])
def test_the_demo_shows_each_kind_of_event_but_leaks(today: date) -> None:
    demo = demo_scenario(today)
    assert {event.kind for event in demo.events} >= set(EventKind) - {EventKind.WEEKEND_LEAK}
    assert all(event.first_day <= today for event in demo.events)


@pytest.mark.parametrize("index", range(8))
def test_the_demos_events_are_visible_in_the_numbers(index: int) -> None:
    demo = demo_scenario(NOW.date())
    event = demo.events[index]
    calm = Scenario(demo.organizations, tuple(e for e in demo.events if e is not event), demo.seed)
    last = event.last_day or NOW.date() - timedelta(days=4)
    first = last if event.kind is EventKind.DRIFT else event.first_day
    if event.kind is EventKind.DRIFT:
        last = last + timedelta(days=20)
    before = compute(calm, first, last, event)
    expected = 1.0 if event.kind is EventKind.PRICE_CHANGE else event.factor
    assert compute(demo, first, last, event) == pytest.approx(expected * before, rel=0.25)
    assert before > 0


def test_events_without_a_trace_are_refused() -> None:
    with pytest.raises(ValueError, match="no job is in the scope"):
        scenario(Event(EventKind.LEVEL_SHIFT, "initech", START, 2.0, project="unknown"))
    with pytest.raises(ValueError, match="no rate is known of docker m4pro"):
        scenario(
            Event(
                EventKind.RESOURCE_CLASS_CHANGE,
                *("initech", START, 2.0),
                job="end-to-end",
                resource_class="m4pro.medium",
            )
        )
    with pytest.raises(ValueError, match="needs a last_day"):
        Event(EventKind.SPIKE, "initech", START, 2.0)
    with pytest.raises(ValueError, match="before"):
        Event(EventKind.SPIKE, "initech", END, 2.0, START)
    with pytest.raises(ValueError, match="do not fit"):
        Event(EventKind.SPIKE, "initech", START, 2.0, END, resource_class="large")
