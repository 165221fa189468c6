"""Simulated changes in cost of known cause, the same for a seed: what changed, where, and the costs of both periods.

Measuring how well they are explained is `drivers`' job.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

import numpy as np
import polars as pl

from circleci_cost.day_ranges import DayRange
from circleci_cost.simulator import (
    ACME_ID,
    Event,
    EventKind,
    Job,
    Organization,
    Project,
    Scenario,
    Workflow,
    generate,
)
from circleci_cost_tests.benchmarks.driver_baselines import sides

FIRST = date(2026, 9, 7)
BASELINE = 28
LEVELS = ("cost_center", "organization", "project", "workflow", "job")
KINDS = ("runs of a project", "runs of a workflow", "minutes", "class", "price", "new", "vanished")
DRIVER = {
    "runs of a project": "runs",
    "runs of a workflow": "runs",
    "minutes": "minutes_per_run",
    "class": "credits_per_minute",
    "price": "price",
    "new": "new",
    "vanished": "vanished",
}
# Smaller changes than this share of the organization's cost make no incident.
MATERIAL = 0.05
_PRICE = Decimal("0.0006")
# Without seats: they belong to no job.
_CREDITS = {f"{name}_credits": f"{name}_cost_usd" for name in ("compute", "dlc", "storage", "network", "ipranges")} | {
    "credits": "cost_usd"
}
_CLASSES = ("small", "medium", "large", "xlarge")
_ORGANIZATIONS, _PROJECTS = 2, 6


@dataclass(frozen=True)
class Case:
    """One change: its kind (`KINDS`), the path of its node, the rows of both periods, and the usual scatter."""

    kind: str
    path: tuple[str, ...]
    before: pl.DataFrame
    after: pl.DataFrame
    scatter: pl.DataFrame


def draw_case(seed: int) -> Case | None:
    """Draw a case; None if the change is less than `MATERIAL` of the organization's cost."""
    draw = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    period = DayRange(FIRST + timedelta(days=BASELINE), FIRST + timedelta(days=BASELINE + int(draw.integers(0, 7))))
    organizations = tuple(_organization(draw, seed, number) for number in range(_ORGANIZATIONS))
    price = Decimal(str(round(0.0006 * float(draw.choice([0.8, 0.9, 1.1, 1.2])), 7))) if kind == "price" else _PRICE
    path, scenario, usual = _happened(draw, kind, organizations, period, seed)
    rows, without = (_rows(variant, period) for variant in (scenario, usual))
    organization = pl.col("organization") == path[0]
    after = pl.col("date") >= period.first
    with_it, without_it = (
        float(frame.filter(organization & after).get_column("credits").sum()) for frame in (rows, without)
    )
    if kind != "price" and abs(with_it - without_it) < MATERIAL * without_it:
        return None
    rate = pl.when(organization & after).then(pl.lit(price)).otherwise(pl.lit(_PRICE))
    priced = rows.with_columns(
        (pl.col(credits) * rate).cast(pl.Decimal(38, 16)).alias(cost) for credits, cost in _CREDITS.items()
    )
    known = set(pl.date_range(FIRST, period.last, eager=True).to_list())
    return Case(kind, path[:1] + path, *sides(priced, period, known))


def _organization(draw: np.random.Generator, seed: int, number: int) -> Organization:
    name = f"organization-{number}"
    return Organization(
        id=str(uuid5(UUID(ACME_ID), f"{seed}/{name}")),
        name=name,
        slug=f"gh/{name}",
        created=date(2020, 1, 1),
        projects=tuple(_project(draw, f"{seed}/{name}/{n}", f"project-{n}") for n in range(_PROJECTS)),
        jobs_per_day=float(draw.choice([80, 160, 320])),
    )


def _project(draw: np.random.Generator, key: str, name: str) -> Project:
    pushed = Workflow("build-and-test", tuple(_job(draw, f"step-{n}", n) for n in range(int(draw.integers(2, 5)))))
    nightly = Workflow("nightly", tuple(_job(draw, f"check-{n}", n) for n in range(2)), scheduled=True)
    weight = float(draw.lognormal(0, 0.6))
    return Project(str(uuid5(UUID(ACME_ID), key)), name, date(2021, 1, 1), (pushed, nightly), weight=weight)


def _job(draw: np.random.Generator, name: str, stage: int) -> Job:
    parallelism = int(draw.choice([1, 1, 1, 4]))
    seconds = int(draw.integers(60, 1200))
    return Job(name, seconds, str(draw.choice(_CLASSES)), "docker", stage=stage, parallelism=parallelism)


def _happened(
    draw: np.random.Generator, kind: str, organizations: tuple[Organization, ...], period: DayRange, seed: int
) -> tuple[tuple[str, ...], Scenario, Scenario]:
    """The path of the change, the scenario with it and the one without it."""
    organization = organizations[int(draw.integers(len(organizations)))]
    project = organization.projects[int(draw.integers(_PROJECTS))]
    workflow = project.workflows[int(draw.integers(2))]
    job = workflow.jobs[int(draw.integers(len(workflow.jobs)))]
    usual = Scenario(organizations, (), seed)
    whole = (organization.name, project.name, workflow.name, job.name)
    depth = {"runs of a project": 2, "runs of a workflow": 3, "minutes": 4, "class": 4, "vanished": 3, "new": 2}
    path = whole[: depth.get(kind, 1)]
    if kind == "price":
        return path, usual, usual
    if kind == "new":
        begun = replace(project, created=period.first)
        projects = tuple(begun if other is project else other for other in organization.projects)
        others = tuple(other for other in organization.projects if other is not project)
        with_it = tuple(replace(e, projects=projects) if e is organization else e for e in organizations)
        without = tuple(replace(e, projects=others) if e is organization else e for e in organizations)
        return path, Scenario(with_it, (), seed), Scenario(without, (), seed)
    factor = float(draw.choice([0.4, 0.5, 1.6, 2.0, 3.0]))
    scope: dict[str, Any] = dict(zip(("project", "workflow", "job"), path[1:], strict=False))
    if kind == "class":
        others_classes = [name for name in _CLASSES if name != job.resource_class]
        name = str(draw.choice(others_classes))
        event = Event(
            EventKind.RESOURCE_CLASS_CHANGE, organization.name, period.first, 1.0, resource_class=name, **scope
        )
    elif kind == "vanished":
        event = Event(EventKind.OUTAGE, organization.name, period.first, 0.0, period.last, **scope)
    else:
        event = Event(EventKind.LEVEL_SHIFT, organization.name, period.first, factor, **scope)
    return path, Scenario(organizations, (event,), seed), usual


def _rows(scenario: Scenario, period: DayRange) -> pl.DataFrame:
    """Daily usage by job and class, each organization a cost center of its own."""
    as_of = datetime(period.last.year, period.last.month, period.last.day, 12, tzinfo=UTC) + timedelta(days=5)
    ids = [organization.id for organization in scenario.organizations]
    frames = generate(scenario, ids, FIRST, period.last, as_of)
    names = {
        "ORGANIZATION_NAME": "organization",
        "PROJECT_NAME": "project",
        "WORKFLOW_NAME": "workflow",
        "JOB_NAME": "job",
        "RESOURCE_CLASS": "resource_class",
        "EXECUTOR": "executor",
        "JOB_RUN_DATE": "date",
    }
    sums = [
        frame.group_by(
            pl.col(old).cast(pl.Date if new == "date" else pl.String).alias(new) for old, new in names.items()
        )
        .agg(
            pl.col("JOB_RUN_STOPPED_AT").count().alias("runs"),
            pl.col("JOB_RUN_SECONDS").sum().cast(pl.Int64).alias("run_seconds"),
            *(pl.col(name.upper()).cast(pl.Decimal(38, 6)).sum() for name in _CREDITS if name != "credits"),
        )
        .rename(str.lower)
        .with_columns(credits=pl.sum_horizontal(name for name in _CREDITS if name != "credits"))
        for frame in frames
    ]
    rows = pl.concat(sums).group_by(names.values()).agg(pl.col("runs", "run_seconds", *_CREDITS).sum())
    return rows.with_columns(cost_center=pl.col("organization")).filter(pl.col("runs") > 0)
