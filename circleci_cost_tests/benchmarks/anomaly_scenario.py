"""Random scenarios for the benchmark of anomalies: calm to wild organizations of six countries, with labelled events.

Deciding which events are labels of which series is `anomaly_labels`'s job; `anomaly_rhythms` and `anomaly_events` hold
what this generator shares with `anomaly_statistical`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID, uuid5

import numpy as np

from circleci_cost.simulator import (
    ACME_ID,
    Closure,
    Driver,
    Event,
    EventKind,
    Job,
    Organization,
    Project,
    Scenario,
    Workflow,
)
from circleci_cost.simulator.scenario import CREDITS_PER_MINUTE
from circleci_cost_tests.benchmarks.anomaly_events import (
    SCHEDULE_KINDS,
    Drawn,
    Scope,
    Taken,
    draw_factor,
    draw_of_schedule,
    draw_special,
    place,
)
from circleci_cost_tests.benchmarks.anomaly_labels import FIRST_BATCH, STOP
from circleci_cost_tests.benchmarks.anomaly_rhythms import (
    BATCH,
    YEAR_END,
    Batch,
    Timetable,
    draw_batch,
    draw_closed_weeks,
    draw_schedules,
    draw_year_end,
)
from circleci_cost_tests.benchmarks.anomaly_tables import FIRST

COUNTRIES = ("US", "DE", "GB", "FR", "IN", "JP")
ORGANIZATIONS = 11
PRICE_CHANGES = 0.25
"""Share of the organizations whose price changes."""

_BUSY = "build-and-test"
_LONG_AGO = date(2020, 1, 1)
_CLASSES = (*(("docker", name) for name in ("small", "medium", "large", "xlarge") * 3), ("machine", "large"))

_KINDS = {
    "organization": {"spike": 0.25, "outage": 0.3, "level_shift": 0.25, "weekend_leak": 0.2},
    "project": {"spike": 0.25, "level_shift": 0.3, "drift": 0.2, "outage": 0.15, "weekend_leak": 0.1},
    "workflow": {"spike": 0.3, "level_shift": 0.35, "drift": 0.15, "outage": 0.2},
    "job": {"resource_class_change": 0.3, "level_shift": 0.3, "drift": 0.25, "spike": 0.15},
}
_EVENTS_PER_SCOPE = {"organization": 1.0, "project": 0.55, "workflow": 0.35, "job": 0.25}


@dataclass(frozen=True)
class Labelled:
    """A scenario with the kinds of its events (other events are usual: busy days of monthly batches), and the batches
    that have workflows of their own, by project.
    """

    scenario: Scenario
    kinds: Mapping[Event, str]
    batches: Mapping[Scope, Batch]
    taken: Mapping[str, Taken]


def random_scenario(seed: int, volatility: float, count: int = ORGANIZATIONS, calm: bool = False) -> Labelled:
    """Return organizations of about 110 series each, with events on every level; the same for a seed.

    `volatility` multiplies how far weeks and days stray, and divides how many jobs run. Calm ones have no events.
    """
    draw = np.random.default_rng([seed, 1])
    organizations, kinds, busy = [], dict[Event, str](), list[Event]()
    batches: dict[Scope, Batch] = {}
    taken: dict[str, Taken] = {}
    for number in range(count):
        # Of its own: an organization is the same in larger sets, and in calm ones.
        own = np.random.default_rng([seed, 4, number])
        organization, of_projects = _with_rhythms(own, _organization(draw, seed, number, volatility))
        organizations.append(organization)
        for scope, batch in of_projects.items():
            if batch.timetable is None:
                days = [
                    Event(EventKind.SPIKE, scope[0], first, batch.times, last, scope[1], _BUSY)
                    for first, last in batch.days
                ]
                kinds[days[0]] = FIRST_BATCH
                busy += days
            else:
                batches[scope] = batch
        taken[organization.name] = []
        if not calm:
            kinds |= _events(own, organization, own.random() < PRICE_CHANGES, taken[organization.name])
    events = tuple(dict.fromkeys([*kinds, *busy]))
    return Labelled(Scenario(tuple(organizations), events, seed), kinds, batches, taken)


def draw_kind(draw: np.random.Generator, level: str) -> str:
    """Draw what happens to a scope of a level."""
    return str(draw.choice(list(_KINDS[level]), p=list(_KINDS[level].values())))


def draw_count(draw: np.random.Generator, level: str) -> int:
    """Draw how many events a scope of a level has."""
    return int(draw.poisson(_EVENTS_PER_SCOPE[level]))


def _organization(draw: np.random.Generator, seed: int, number: int, volatility: float) -> Organization:
    name = f"org-{number:02}"
    return Organization(
        id=str(uuid5(UUID(ACME_ID), f"{seed}/{name}")),
        name=name,
        slug=f"gh/{name}",
        created=_LONG_AGO,
        projects=tuple(_project(draw, f"{seed}/{name}", n, volatility) for n in range(int(draw.integers(7, 11)))),
        jobs_per_day=float(np.exp(draw.uniform(np.log(1000), np.log(8000)))) / volatility,
        growth=float(draw.uniform(-0.15, 0.6)),
        country=COUNTRIES[number % len(COUNTRIES)],
        volatility=volatility * float(draw.uniform(0.01, 0.05)),
    )


def _project(draw: np.random.Generator, key: str, number: int, volatility: float) -> Project:
    fate = draw.random() if number else 1.0
    day = FIRST + timedelta(days=int(draw.integers(30, 330)))
    pushed = [_workflow(draw, "build-and-test", 1.0)]
    if draw.random() < 0.6:
        pushed.append(_workflow(draw, "deploy", float(draw.uniform(0.03, 0.2) if draw.random() < 0.2 else 1.0)))
    if draw.random() < 0.3:
        pushed.append(_workflow(draw, "integration", float(draw.uniform(0.3, 1.0))))
    nightly = [_workflow(draw, "nightly", 1.0, scheduled=True)] if draw.random() < 0.55 else []
    return Project(
        id=str(uuid5(UUID(ACME_ID), f"{key}/{number}")),
        name=f"project-{number:02}",
        created=day if fate < 0.1 else _LONG_AGO,
        workflows=(*pushed, *nightly),
        weight=float(draw.lognormal(0, 0.7)),
        retired=day if 0.1 <= fate < 0.17 else None,
        volatility=volatility * float(np.clip(draw.lognormal(np.log(0.06), 0.5), 0.02, 0.25)),
        schedules_rest=bool(draw.random() < 0.3),
    )


def _workflow(draw: np.random.Generator, name: str, odds: float, scheduled: bool = False) -> Workflow:
    jobs = []
    for number in range(int(draw.integers(2, 6))):
        executor, resource_class = _CLASSES[int(draw.integers(len(_CLASSES)))]
        spread = draw.uniform(0.15, 0.35) if draw.random() < 0.8 else draw.uniform(0.5, 0.9)
        seconds = int(np.exp(draw.uniform(np.log(40), np.log(1500))))
        stage = min(number // 2, 2)
        jobs.append(Job(f"job-{number}", seconds, resource_class, executor, stage=stage, spread=float(spread)))
    return Workflow(name, tuple(jobs), scheduled, odds)


def _with_rhythms(draw: np.random.Generator, usual: Organization) -> tuple[Organization, dict[Scope, Batch]]:
    """Add schedules, batches and closures to an organization; also return the batches by project."""
    closures = [Closure(*YEAR_END, draw_year_end(draw))]
    closed = draw_closed_weeks(draw)
    projects: list[Project] = []
    batches: dict[Scope, Batch] = {}
    for project in usual.projects:
        added = draw_schedules(draw, usual.country or "")
        batch = draw_batch(draw)
        if batch is not None and _lives(project, FIRST, None):
            batches[usual.name, project.name] = batch
            added += [batch.timetable] if batch.timetable else []
        workflows = tuple(_timed(draw, timetable) for timetable in added)
        projects.append(replace(project, workflows=(*project.workflows, *workflows)))
    closures += [Closure(*closed)] if closed else []
    return replace(usual, projects=tuple(projects), closures=tuple(closures)), batches


def _timed(draw: np.random.Generator, timetable: Timetable) -> Workflow:
    """Return the workflow of a timetable; what runs once a month takes longer."""
    shortest, longest = (300, 6000) if timetable.name.startswith(BATCH) else (60, 3000)
    jobs = []
    for number, spread in enumerate(timetable.spreads):
        executor, resource_class = _CLASSES[int(draw.integers(len(_CLASSES)))]
        seconds = int(np.exp(draw.uniform(np.log(shortest), np.log(longest))))
        jobs.append(Job(f"job-{number}", seconds, resource_class, executor, spread=spread))
    return Workflow(timetable.name, tuple(jobs), scheduled=True, timetable=timetable)


def _events(
    draw: np.random.Generator, organization: Organization, has_price_change: bool, taken: Taken
) -> dict[Event, str]:
    """Return the events of an organization with their kinds: special ones, then those of each level from the top."""
    kinds: dict[Event, str] = {}
    projects = {project.name: project for project in organization.projects}

    def add(drawn: Drawn, job: Job | None = None) -> None:
        own = [projects[drawn.scope[1]]] if len(drawn.scope) > 1 else organization.projects
        if any(_lives(project, drawn.first_day, drawn.last_day) for project in own):
            kinds[_event(draw, drawn, job)] = drawn.kind

    for special in draw_special(draw, organization.name, list(projects), has_price_change, taken):
        add(special)
    for scope, workflow, job in _scopes(organization):
        if workflow is not None and workflow.timetable is not None:
            if job is None and isinstance(workflow.timetable, Timetable) and not workflow.name.startswith(BATCH):
                for drawn in draw_of_schedule(draw, scope, workflow.timetable, taken):
                    add(drawn)
            continue
        level = ("organization", "project", "workflow", "job")[len(scope) - 1]
        for _ in range(draw_count(draw, level)):
            kind = draw_kind(draw, level)
            days = place(draw, kind, scope, taken)
            if days is not None:
                add(Drawn(kind, scope, *days, draw_factor(draw, kind), False), job)
    return kinds


def _event(draw: np.random.Generator, drawn: Drawn, job: Job | None) -> Event:
    """Return what happens in the simulator's terms."""
    rest: dict[str, str | Driver] = dict(zip(("project", "workflow", "job"), drawn.scope[1:], strict=False))
    kind, factor = drawn.kind, drawn.factor
    if kind == "resource_class_change" and job is not None:
        rest["resource_class"] = _other_class(draw, job)
        usual = CREDITS_PER_MINUTE[job.executor, job.resource_class]
        factor = CREDITS_PER_MINUTE[job.executor, str(rest["resource_class"])] / usual
    elif kind in SCHEDULE_KINDS or kind == STOP:
        kind = "level_shift"
        rest["driver"] = Driver.SECONDS if drawn.per_run else Driver.RUNS
    elif kind in ("level_shift", "drift") and len(drawn.scope) in (2, 3):
        rest["driver"] = Driver.SECONDS if draw.random() < 0.3 else Driver.RUNS
    return Event(EventKind(kind), drawn.scope[0], drawn.first_day, factor, drawn.last_day, **rest)  # type: ignore[arg-type]


def _scopes(organization: Organization) -> list[tuple[Scope, Workflow | None, Job | None]]:
    """Return all scopes of an organization, the largest first, each with its workflow and its job."""
    scopes: list[tuple[Scope, Workflow | None, Job | None]] = [((organization.name,), None, None)]
    for project in organization.projects:
        own = (organization.name, project.name)
        scopes.append((own, None, None))
        for workflow in project.workflows:
            scopes.append(((*own, workflow.name), workflow, None))
            scopes += [((*own, workflow.name, job.name), workflow, job) for job in workflow.jobs]
    return sorted(scopes, key=lambda scope: len(scope[0]))


def _lives(project: Project, first: date, last: date | None) -> bool:
    """Whether a project exists well before and after an event."""
    since, until = project.created + timedelta(days=21), (project.retired or date.max - timedelta(days=30))
    return since <= first and (last or first) + timedelta(days=25) < until


def _other_class(draw: np.random.Generator, job: Job) -> str:
    """Return a class that a job of that executor may be moved to: a step or two up or down."""
    usual = CREDITS_PER_MINUTE[job.executor, job.resource_class]
    others = [
        name
        for (executor, name), rate in CREDITS_PER_MINUTE.items()
        if executor == job.executor and rate != usual and 0.4 <= rate / usual <= 4
    ]
    return str(draw.choice(others))
