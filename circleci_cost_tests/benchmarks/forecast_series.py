"""Daily cost of a hundred simulated series for the benchmark of forecasts, the same for a seed.

Measuring forecasts of them is `forecast`'s job.
"""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

import numpy as np
import polars as pl

from circleci_cost.simulator import (
    ACME_ID,
    Event,
    EventKind,
    Job,
    Organization,
    Project,
    Scenario,
    Workflow,
    demo_scenario,
    generate,
)

LAST = date(2026, 11, 30)
FIRST = date(2025, 11, 1)
PRICE_PER_CREDIT = 0.0006
_ORGANIZATIONS = 5
_PROJECTS = 10
_CLASSES = (("small", "docker"), ("medium", "docker"), ("large", "docker"), ("xlarge", "docker"), ("large", "machine"))


def simulated_series(seed: int) -> pl.DataFrame:
    """Daily cost by organization, project and workflow: 100 series × 13 months, with new projects and labelled events.

    Out: `series`, `date`, `cost`. Seats are left out: they are booked once a month, not by the day.
    """
    return _daily(_scenario(seed))


def demo_series() -> pl.DataFrame:
    """The series of the demo's three organizations, over the same days."""
    return _daily(demo_scenario(LAST))


def _daily(scenario: Scenario) -> pl.DataFrame:
    as_of = datetime(LAST.year, LAST.month, LAST.day, 12, tzinfo=UTC) + timedelta(days=5)
    ids = [organization.id for organization in scenario.organizations]
    parts = [
        frame.group_by("ORGANIZATION_ID", "PROJECT_ID", "WORKFLOW_NAME", "JOB_RUN_DATE").agg(
            (pl.col("TOTAL_CREDITS").cast(pl.Float64) - pl.col("USER_CREDITS").cast(pl.Float64)).sum().alias("credits")
        )
        for frame in generate(scenario, ids, FIRST, LAST, as_of)
    ]
    names = ("ORGANIZATION_ID", "PROJECT_ID", "WORKFLOW_NAME")
    return (
        pl.concat(parts)
        .with_columns(pl.concat_str(*(pl.col(name).cast(pl.String) for name in names), separator="/").alias("series"))
        .group_by("series", pl.col("JOB_RUN_DATE").cast(pl.Date).alias("date"))
        .agg((pl.col("credits").sum() * PRICE_PER_CREDIT).alias("cost"))
        .sort("series", "date")
    )


def _scenario(seed: int) -> Scenario:
    """Organizations of different size and growth; some projects are new, and a third of them have events."""
    draw = np.random.default_rng(seed)
    organizations = tuple(_organization(draw, seed, number) for number in range(_ORGANIZATIONS))
    return Scenario(organizations, tuple(_events(draw, organizations)), seed)


def _organization(draw: np.random.Generator, seed: int, number: int) -> Organization:
    name = f"organization-{number}"
    return Organization(
        id=str(uuid5(UUID(ACME_ID), f"{seed}/{name}")),
        name=name,
        slug=f"gh/{name}",
        created=date(2020, 1, 1),
        projects=tuple(_project(draw, f"{seed}/{name}/project-{n}", f"project-{n}") for n in range(_PROJECTS)),
        jobs_per_day=float(draw.choice([60, 150, 300])),
        growth=float(draw.uniform(-0.1, 0.6)),
    )


def _project(draw: np.random.Generator, key: str, name: str) -> Project:
    created = FIRST + timedelta(days=int(draw.integers(20, 330))) if draw.random() < 0.15 else date(2021, 1, 1)
    pushed = Workflow("build-and-test", tuple(_job(draw, f"step-{n}", n) for n in range(int(draw.integers(2, 5)))))
    nightly = Workflow("nightly", tuple(_job(draw, f"check-{n}", n) for n in range(2)), scheduled=True)
    return Project(
        str(uuid5(UUID(ACME_ID), key)), name, created, (pushed, nightly), weight=float(draw.lognormal(0, 0.8))
    )


def _job(draw: np.random.Generator, name: str, stage: int) -> Job:
    resource_class, executor = _CLASSES[int(draw.integers(len(_CLASSES)))]
    return Job(name, int(draw.integers(60, 1200)), resource_class, executor, stage=stage)


def _events(draw: np.random.Generator, organizations: tuple[Organization, ...]) -> list[Event]:
    """Return spikes, shifts, drifts and outages at random days and projects."""
    events = []
    for organization in organizations:
        for project in organization.projects:
            if draw.random() < 0.35:
                day = FIRST + timedelta(days=int(draw.integers(40, 380)))
                kind = EventKind(draw.choice(["spike", "level_shift", "drift", "outage"]))
                workflow = project.workflows[int(draw.integers(2))].name
                lasts = {"spike": 0, "level_shift": None, "drift": int(draw.integers(30, 120)), "outage": 2}[kind]
                factor = {
                    "spike": float(draw.uniform(3, 8)),
                    "level_shift": float(draw.choice([0.5, 1.6, 2.0])),
                    "drift": float(draw.uniform(1.3, 2.0)),
                    "outage": 0.0,
                }[kind]
                end = None if lasts is None else day + timedelta(days=lasts)
                job = project.workflows[0 if workflow == "build-and-test" else 1].jobs[0].name
                named = job if kind is EventKind.DRIFT else None
                events.append(Event(kind, organization.name, day, factor, end, project.name, workflow, named))
    return events
