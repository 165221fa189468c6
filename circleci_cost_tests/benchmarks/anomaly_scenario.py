"""Random scenarios for the benchmark of anomalies: calm to wild organizations of six countries, with labelled events.

Deciding which events are labels of which series is `anomaly_labels`'s job.
"""

from datetime import date, timedelta
from uuid import UUID, uuid5

import numpy as np

from circleci_cost.simulator import (
    ACME_ID,
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
from circleci_cost_tests.benchmarks.anomaly_tables import FIRST, LAST

COUNTRIES = ("US", "DE", "GB", "FR", "IN", "JP")
ORGANIZATIONS = 11
_PRICE_CHANGES = 2
_EARLIEST, _LATEST = 35, 375
_APART = 20
_LONG_AGO = date(2020, 1, 1)
_CLASSES = (*(("docker", name) for name in ("small", "medium", "large", "xlarge") * 3), ("machine", "large"))

_KINDS = {
    "organization": {"spike": 0.25, "outage": 0.3, "level_shift": 0.25, "weekend_leak": 0.2},
    "project": {"spike": 0.25, "level_shift": 0.3, "drift": 0.2, "outage": 0.15, "weekend_leak": 0.1},
    "workflow": {"spike": 0.3, "level_shift": 0.35, "drift": 0.15, "outage": 0.2},
    "job": {"resource_class_change": 0.3, "level_shift": 0.3, "drift": 0.25, "spike": 0.15},
}
_EVENTS_PER_SCOPE = {"organization": 1.0, "project": 0.55, "workflow": 0.35, "job": 0.25}

Scope = tuple[str, ...]
"""Names of an organization, a project, a workflow and a job, or the first few of them."""


def random_scenario(seed: int, volatility: float, count: int = ORGANIZATIONS) -> Scenario:
    """Return organizations of about 95 series each, with events on every level; the same for a seed.

    `volatility` multiplies how far weeks and days stray, and divides how many jobs run.
    """
    draw = np.random.default_rng([seed, 1])
    organizations = tuple(_organization(draw, seed, number, volatility) for number in range(count))
    return Scenario(organizations, tuple(_events(draw, organizations)), seed)


def draw_time(draw: np.random.Generator, kind: str) -> tuple[date, date | None]:
    """Draw an event's first day, mostly a working day, and its last where it has one."""
    first = FIRST + timedelta(days=int(draw.integers(_EARLIEST, _LATEST)))
    if kind == "weekend_leak":
        first += timedelta(days=(5 - first.weekday()) % 7)
        return first, first + timedelta(days=1 + 7 * int(draw.integers(2)))
    if first.weekday() >= 5 and draw.random() < 0.8:
        first += timedelta(days=2)
    if kind == "drift":
        return first, min(first + timedelta(days=int(draw.integers(10, 46))), LAST)
    lasts = {"spike": int(draw.random() < 0.3), "outage": int(draw.integers(3))}
    return first, first + timedelta(days=lasts[kind]) if kind in lasts else None


def draw_factor(draw: np.random.Generator, kind: str) -> float:
    """Draw how strong an event is: the factor on the cost of its scope, or a leak's share of a working day."""
    if kind == "spike":
        return float(np.exp(draw.uniform(np.log(2.5), np.log(8))))
    if kind == "level_shift":
        return float(draw.uniform(0.4, 0.75) if draw.random() < 0.4 else draw.uniform(1.3, 2.2))
    if kind == "drift":
        return float(draw.uniform(0.45, 0.7) if draw.random() < 0.25 else draw.uniform(1.4, 2.2))
    if kind == "price_change":
        return float(1 + draw.uniform(0.08, 0.25))
    return float(draw.uniform(0.7, 1.0)) if kind == "weekend_leak" else 0.0


def place(
    draw: np.random.Generator, kind: str, scope: Scope, taken: list[tuple[Scope, date, date]]
) -> tuple[date, date | None] | None:
    """Find days clear of events above and below, or None, and add them to `taken`."""
    for _ in range(20):
        first, last = draw_time(draw, kind)
        end = (last or first) + timedelta(days=_APART)
        related = [
            (since, until) for other, since, until in taken if all(a == b for a, b in zip(other, scope, strict=False))
        ]
        if all(end < since or first > until for since, until in related):
            taken.append((scope, first, end))
            return first, last
    return None


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


def _events(draw: np.random.Generator, organizations: tuple[Organization, ...]) -> list[Event]:
    """Return price changes of two organizations, and events on each level from the top."""
    taken: list[tuple[Scope, date, date]] = []
    events: list[Event] = []

    def happen(kind: str, scope: Scope, projects: tuple[Project, ...], job: Job | None = None) -> None:
        days = place(draw, kind, scope, taken)
        if days is None or not any(_lives(project, *days) for project in projects):
            return
        rest: dict[str, str | Driver] = dict(zip(("project", "workflow", "job"), scope[1:], strict=False))
        factor = draw_factor(draw, kind)
        if kind == "resource_class_change" and job is not None:
            rest["resource_class"] = _other_class(draw, job)
            usual = CREDITS_PER_MINUTE[job.executor, job.resource_class]
            factor = CREDITS_PER_MINUTE[job.executor, str(rest["resource_class"])] / usual
        elif kind in ("level_shift", "drift") and len(scope) in (2, 3):
            rest["driver"] = Driver.SECONDS if draw.random() < 0.3 else Driver.RUNS
        events.append(Event(EventKind(kind), scope[0], days[0], factor, days[1], **rest))  # type: ignore[arg-type]

    changed = draw.choice(len(organizations), _PRICE_CHANGES, replace=False)
    for organization in (organizations[int(number)] for number in changed):
        happen("price_change", (organization.name,), organization.projects)
    for scope, projects, job in _scopes(organizations):
        level = ("organization", "project", "workflow", "job")[len(scope) - 1]
        for _ in range(draw_count(draw, level)):
            happen(draw_kind(draw, level), scope, projects, job)
    return events


def _scopes(organizations: tuple[Organization, ...]) -> list[tuple[Scope, tuple[Project, ...], Job | None]]:
    """Return all scopes, the largest first, each with its projects."""
    scopes: list[tuple[Scope, tuple[Project, ...], Job | None]] = []
    for organization in organizations:
        scopes.append(((organization.name,), organization.projects, None))
        for project in organization.projects:
            own = (organization.name, project.name)
            scopes.append((own, (project,), None))
            for workflow in project.workflows:
                scopes.append(((*own, workflow.name), (project,), None))
                scopes += [((*own, workflow.name, job.name), (project,), job) for job in workflow.jobs]
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
