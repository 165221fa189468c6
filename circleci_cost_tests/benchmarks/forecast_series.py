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


def with_jumps(series: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The same series, each with one change on a day of its own.

    Three in ten stop, two fall to about a half, two rise to the double or triple, and three have a week that passes:
    half of them a low one, half a high one.
    """
    draw = np.random.default_rng(seed)
    names = series["series"].unique().sort()
    kind = draw.choice(5, len(names), p=[0.3, 0.2, 0.2, 0.15, 0.15])
    low, high = draw.uniform(0.4, 0.6, len(names)), draw.uniform(1.8, 3.0, len(names))
    changes = pl.DataFrame(
        {
            "series": names,
            "begin": [FIRST + timedelta(days=int(day)) for day in draw.integers(100, 380, len(names))],
            "days": np.where(kind < 3, 400, 7),
            "factor": np.choose(kind, [np.zeros(len(names)), low, high, draw.uniform(0, 0.4, len(names)), high]),
        }
    )
    since = (pl.col("date") - pl.col("begin")).dt.total_days()
    changed = since.is_between(0, pl.col("days") - 1)
    return series.join(changes, on="series").select(
        "series", "date", pl.when(changed).then(pl.col("cost") * pl.col("factor")).otherwise("cost").alias("cost")
    )


def with_bills(series: pl.DataFrame) -> pl.DataFrame:
    """The same series, each with a bill of ten mean days on the 28th or the last Friday of every month."""
    days = pl.DataFrame({"date": pl.date_range(FIRST, LAST, eager=True)}).with_columns(
        on_the_28th=pl.col("date").dt.day() == 28,
        last_friday=(pl.col("date").dt.weekday() == 5)
        & (pl.col("date").dt.offset_by("7d").dt.month() != pl.col("date").dt.month()),
    )
    means = series.group_by("series").agg(pl.col("cost").mean(), begin=pl.col("date").min())
    odd = pl.col("series").hash(seed=1) % 2 == 1
    bills = (
        means.join(days, how="cross")
        .filter(pl.col("date") >= pl.col("begin"), pl.when(odd).then("last_friday").otherwise("on_the_28th"))
        .select("series", "date", pl.col("cost") * 10)
    )
    return pl.concat([series, bills]).group_by("series", "date").agg(pl.col("cost").sum()).sort("series", "date")


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
