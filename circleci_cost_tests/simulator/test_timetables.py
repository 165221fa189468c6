"""Workflows with a timetable, and closed days: what the labelled sets of the benchmark are made of."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.simulator import Closure, Driver, Event, EventKind, Job, Scenario, Workflow, daily_usage

from .builders import PAYING, scenario

FROM, UNTIL = date(2026, 3, 2), date(2026, 3, 15)
DAY = date(2026, 3, 5)


def twice_on_working_days(day: date) -> int:
    """Return the runs of a weekday cron."""
    return 2 if day.weekday() < 5 else 0


CRON = Workflow("cron", (Job("dump", 600, spread=0.02), Job("load", 300, stage=1)), timetable=twice_on_working_days)


def with_cron(*events: Event, closures: tuple[Closure, ...] = (), country: str | None = None) -> Scenario:
    """Return the usual scenario whose first project has a weekday cron too."""
    usual = scenario()
    paying = usual.organizations[0]
    web = replace(paying.projects[0], workflows=(*paying.projects[0].workflows, CRON))
    changed = replace(paying, projects=(web, paying.projects[1]), closures=closures, country=country)
    return Scenario((changed, *usual.organizations[1:]), events, usual.seed)


def runs(of: Scenario, workflow: str = "cron") -> dict[date, int]:
    """Return the runs of a workflow's jobs by day."""
    usage = daily_usage(of, PAYING, FROM, UNTIL).filter(pl.col("workflow") == workflow, pl.col("project") == "web")
    return dict(usage.group_by("date").agg(pl.col("runs").sum()).sort("date").iter_rows())


def working_days() -> list[date]:
    days = [FROM + timedelta(days=n) for n in range(14)]
    return [day for day in days if day.weekday() < 5]


def test_a_timetable_runs_exactly_as_often_as_it_says_and_changes_nothing_else() -> None:
    assert runs(with_cron()) == dict.fromkeys(working_days(), 4)
    others = pl.col("workflow") != "cron"
    assert_frame_equal(
        daily_usage(with_cron(), PAYING, FROM, UNTIL).filter(others), daily_usage(scenario(), PAYING, FROM, UNTIL)
    )


@pytest.mark.parametrize(
    ("event", "runs_of_day"),
    [
        (Event(EventKind.LEVEL_SHIFT, "initech", DAY, 1.5, None, "web", "cron", driver=Driver.RUNS), 6),
        (Event(EventKind.OUTAGE, "initech", DAY, 0.0, DAY, "web", "cron"), 0),
        (Event(EventKind.OUTAGE, "initech", DAY, 0.0, DAY), 0),
        (Event(EventKind.SPIKE, "initech", DAY, 5.0, DAY, "web"), 4),
    ],
    ids=["its own shift", "its own outage", "an outage above", "more pushes"],
)
def test_a_timetable_follows_its_own_events_and_what_stops_everything(event: Event, runs_of_day: int) -> None:
    of_cron = runs(with_cron(event))
    assert of_cron.get(DAY, 0) == runs_of_day
    assert of_cron[FROM] == 4


def test_a_closure_quiets_pushes_and_leaves_timetables_and_other_days_alone() -> None:
    closure = Closure(date(2026, 3, 9), date(2026, 3, 15), 0.1)
    usual, closed = with_cron(country="DE"), with_cron(country="DE", closures=(closure,))
    assert runs(closed) == runs(usual)
    before, after = runs(usual, "build-and-test"), runs(closed, "build-and-test")
    within = [day for day in before if day >= closure.first_day]
    assert sum(after.get(day, 0) for day in within) < 0.25 * sum(before[day] for day in within)
    assert {day: n for day, n in after.items() if day < closure.first_day} == {
        day: n for day, n in before.items() if day < closure.first_day
    }
