from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.simulator import Driver, Event, EventKind, Organization, Project, Scenario, daily_usage
from circleci_cost.simulator.draws import child, root
from circleci_cost.simulator.rhythm import WORKING_LEVEL, push_activity
from circleci_cost.simulator.volatility import poisson

from .builders import PAYING, rows, scenario

FROM, UNTIL = date(2026, 1, 5), date(2026, 9, 27)
SATURDAY = date(2026, 6, 13)


def changed(of: Scenario, project: Callable[[Project], Project] | None = None, **fields: object) -> Scenario:
    """Return the scenario with its first organization, or the projects of that, changed."""
    organization: Organization = replace(of.organizations[0], **fields)  # type: ignore[arg-type]
    if project is not None:
        organization = replace(organization, projects=tuple(project(one) for one in organization.projects))
    return replace(of, organizations=(organization, *of.organizations[1:]))


def runs_by_day(of: Scenario, first: date = FROM, last: date = UNTIL, workflow: str = "build-and-test") -> pl.DataFrame:
    usage = daily_usage(of, PAYING, first, last).filter(pl.col("workflow") == workflow)
    return usage.group_by("project", "date").agg(pl.col("runs").sum()).sort("project", "date")


def spread(of: Scenario) -> float:
    """Return how far runs on working days lie from their mean, relative to it."""
    working = runs_by_day(of).filter(pl.col("date").dt.weekday() < 6, pl.col("project") == "web")["runs"].to_numpy()
    return float(np.std(working) / np.mean(working))


def volatile(project: Project) -> Project:
    return replace(project, volatility=0.5)


def test_volatile_projects_stray_far_more_and_have_the_same_mean() -> None:
    calm, wild = scenario(jobs_per_day=1000.0), changed(scenario(jobs_per_day=1000.0), volatile)
    assert spread(calm) < 0.2
    assert 0.4 < spread(wild) < 0.65
    assert runs_by_day(wild)["runs"].mean() == pytest.approx(runs_by_day(calm)["runs"].mean(), rel=0.1)


def test_a_wandering_organization_strays_by_weeks() -> None:
    wandering = changed(scenario(jobs_per_day=1000.0), volatility=0.4)
    by_week = runs_by_day(wandering).group_by(pl.col("date").dt.truncate("1w")).agg(pl.col("runs").sum())
    weekly = by_week.sort("date")["runs"].to_numpy()
    assert np.std(weekly) / np.mean(weekly) > 0.2
    assert np.corrcoef(weekly[1:], weekly[:-1])[0, 1] > 0.4


def test_a_volatile_day_is_the_same_in_any_window() -> None:
    wild = changed(scenario(), volatile, volatility=0.3, country="DE")
    day = date(2026, 11, 3)
    assert_frame_equal(rows(wild).filter(pl.col("JOB_RUN_DATE") == day), rows(wild, first=day, last=day))


def test_poisson_counts_have_their_mean_and_variance() -> None:
    keys = child(np.repeat(root(1), 20_000), np.arange(20_000))
    for rate in (0.3, 4.0, 29.0, 200.0):
        drawn = poisson(np.full(len(keys), rate), keys)
        assert drawn.mean() == pytest.approx(rate, rel=0.04)
        assert drawn.var() == pytest.approx(rate, rel=0.06)
    assert poisson(np.zeros(3), keys[:3]).tolist() == [0, 0, 0]


def test_a_country_keeps_its_holidays_and_bridge_days() -> None:
    labour_day, thanksgiving, bridge = date(2026, 5, 1), date(2026, 11, 26), date(2026, 11, 27)
    usual = push_activity([day - timedelta(days=7) for day in (labour_day, thanksgiving, bridge)], "US")
    assert np.round(push_activity([labour_day, thanksgiving, bridge], "US") / usual, 2).tolist() == [1.0, 0.12, 0.5]
    assert push_activity([labour_day], "DE")[0] < 0.2
    assert push_activity([thanksgiving], "DE")[0] > 1.0


def test_a_weekend_leak_runs_at_the_level_of_working_days() -> None:
    event = Event(EventKind.WEEKEND_LEAK, "initech", SATURDAY, 1.0, SATURDAY + timedelta(days=8), project="web")
    leaking = runs_by_day(scenario(event, jobs_per_day=2000.0), SATURDAY - timedelta(days=7))
    calm = runs_by_day(scenario(jobs_per_day=2000.0), SATURDAY - timedelta(days=7))
    both = leaking.join(calm, on=["project", "date"], suffix="_calm")
    ratio = (pl.col("runs") / pl.col("runs_calm")).alias("ratio")
    leaked = both.filter(pl.col("runs") != pl.col("runs_calm"))
    assert leaked.select("project", "date").rows() == [("web", SATURDAY + timedelta(days=n)) for n in (0, 1, 7, 8)]
    expected = WORKING_LEVEL / float(push_activity([SATURDAY])[0])
    assert leaked.select(ratio)["ratio"][0] == pytest.approx(expected, rel=0.1)


def test_a_weekend_leak_leaves_schedules_alone_unless_they_rest() -> None:
    event = Event(EventKind.WEEKEND_LEAK, "initech", SATURDAY, 1.0, project="web")
    days = SATURDAY, SATURDAY + timedelta(days=1)
    usual = runs_by_day(scenario(), *days, workflow="nightly")
    assert_frame_equal(runs_by_day(scenario(event), *days, workflow="nightly"), usual)
    resting = changed(scenario(), lambda one: replace(one, schedules_rest=True))
    rested = int(runs_by_day(resting, *days, workflow="nightly")["runs"].sum())
    leaked = int(runs_by_day(replace(resting, events=(event,)), *days, workflow="nightly")["runs"].sum())
    assert 2 * rested < int(usual["runs"].sum()) < 1.3 * leaked


def test_a_retired_project_has_no_rows_from_that_day_on() -> None:
    last = date(2026, 11, 1)
    retired = changed(scenario(), lambda one: replace(one, retired=last) if one.name == "web" else one)
    shown = rows(retired)
    assert shown.filter(pl.col("PROJECT_NAME") == "web")["JOB_RUN_DATE"].max() == last - timedelta(days=1)
    assert max(shown["JOB_RUN_DATE"].to_list()) > last


def test_a_workflow_with_odds_runs_in_that_share_of_its_pipelines() -> None:
    def rare(project: Project) -> Project:
        return replace(project, workflows=tuple(replace(one, odds=0.25) for one in project.workflows))

    usual = int(runs_by_day(scenario(jobs_per_day=1000.0))["runs"].sum())
    seldom = int(runs_by_day(changed(scenario(jobs_per_day=1000.0), rare))["runs"].sum())
    assert seldom / usual == pytest.approx(0.25, abs=0.03)


def test_the_spread_of_a_jobs_seconds_is_its_own() -> None:
    def wide(project: Project) -> Project:
        workflows = (replace(w, jobs=tuple(replace(job, spread=0.8) for job in w.jobs)) for w in project.workflows)
        return replace(project, workflows=tuple(workflows))

    def deviation(of: Scenario) -> float:
        ran = rows(of).filter(pl.col("JOB_NAME") == "end-to-end")["JOB_RUN_SECONDS"].drop_nulls().to_numpy()
        return float(np.std(np.log(ran)))

    assert deviation(scenario()) == pytest.approx(0.25, abs=0.02)
    assert deviation(changed(scenario(), wide)) == pytest.approx(0.8, abs=0.06)


def test_a_driver_tells_what_a_change_goes_through() -> None:
    days = SATURDAY, SATURDAY + timedelta(days=13)
    calm = daily_usage(scenario(jobs_per_day=1000.0), PAYING, *days).select(pl.col("runs", "run_seconds").sum()).row(0)
    before = days[0] - timedelta(days=1)
    ratios = []
    for kind, driver in ((EventKind.LEVEL_SHIFT, Driver.SECONDS), (EventKind.DRIFT, Driver.RUNS)):
        last = before if kind is EventKind.DRIFT else None
        event = Event(kind, "initech", before - timedelta(days=1), 2.0, last, driver=driver)
        usage = daily_usage(scenario(event, jobs_per_day=1000.0), PAYING, *days)
        runs, seconds = usage.select(pl.col("runs", "run_seconds").sum()).row(0)
        ratios.append((runs / calm[0], seconds / calm[1]))
    assert ratios[0] == (1.0, pytest.approx(2.0, rel=0.02))
    assert ratios[1] == (pytest.approx(2.0, rel=0.03), pytest.approx(2.0, rel=0.05))


def test_single_jobs_have_no_runs_of_their_own_to_change() -> None:
    with pytest.raises(ValueError, match="run as often as their workflow"):
        Event(EventKind.LEVEL_SHIFT, "initech", SATURDAY, 2.0, job="lint", driver=Driver.RUNS)
    with pytest.raises(ValueError, match="run as often as their workflow"):
        Event(EventKind.WEEKEND_LEAK, "initech", SATURDAY, 1.0, job="lint")
