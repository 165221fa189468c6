"""What a simulated CircleCI customer looks like: organizations, projects, jobs and labelled events.

Plain frozen descriptions. `generator` makes rows of them; `demo` describes the demo.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from uuid import UUID, uuid5

CREDITS_PER_MINUTE = {
    ("docker", "small"): 5,
    ("docker", "medium"): 10,
    ("docker", "medium+"): 15,
    ("docker", "large"): 20,
    ("docker", "xlarge"): 40,
    ("docker", "2xlarge"): 80,
    ("docker", "2xlarge+"): 100,
    ("machine", "medium"): 10,
    ("machine", "large"): 20,
    ("machine", "xlarge"): 100,
    ("machine", "2xlarge"): 200,
    ("machine", "2xlarge+"): 300,
    ("machine", "arm.large"): 20,
    ("machine", "arm.xlarge"): 100,
    ("machine", "windows.medium"): 40,
    ("machine", "gpu.nvidia.small.multi"): 160,
    ("machine", "gpu.nvidia.medium.multi"): 240,
    ("remote-docker", "medium"): 10,
    ("remote-docker", "large"): 20,
    ("remote-docker", "xlarge"): 100,
    ("macos", "m4pro.medium"): 200,
    ("macos", "m4pro.large"): 400,
}
"""List rates by executor and resource class, 2026. Runners have none: they cost no compute credits."""


Timetable = Callable[[date], int]
"""How often a workflow is started on a day; the same whenever it is asked."""


class EventKind(StrEnum):
    """What a label claims to have happened."""

    SPIKE = "spike"
    LEVEL_SHIFT = "level_shift"
    DRIFT = "drift"
    OUTAGE = "outage"
    PRICE_CHANGE = "price_change"
    RESOURCE_CLASS_CHANGE = "resource_class_change"
    WEEKEND_LEAK = "weekend_leak"


class Driver(StrEnum):
    """What changes when a volume changes: how often jobs run, or how long."""

    RUNS = "runs"
    SECONDS = "seconds"


@dataclass(frozen=True)
class Event:
    """A labelled event: its kind, scope, days (both inclusive) and strength.

    `organization`, `project`, `workflow` and `job` are names; None means all. `factor` multiplies the scope's
    compute credits; a drift reaches it on `last_day` and stays there. A price change leaves usage as it is. A weekend
    leak lifts what rests on Saturdays and Sundays to `factor` times the level of a working day. Without a `driver`
    drifts and events of a single job change the seconds, all other events the runs. The runs of a timetable follow
    events of its own workflow, and what stops everything above it (factor 0).
    """

    kind: EventKind
    organization: str
    first_day: date
    factor: float
    last_day: date | None = None
    project: str | None = None
    workflow: str | None = None
    job: str | None = None
    resource_class: str | None = None
    driver: Driver | None = None

    def __post_init__(self) -> None:
        """Refuse descriptions that cannot be simulated."""
        if (self.kind is EventKind.RESOURCE_CLASS_CHANGE) != (self.resource_class is not None):
            raise ValueError(f"a {self.kind} event and resource_class={self.resource_class!r} do not fit")
        if self.job is not None and (self.driver is Driver.RUNS or self.kind is EventKind.WEEKEND_LEAK):
            raise ValueError(f"a {self.kind} event of job {self.job!r}: single jobs run as often as their workflow")
        if self.kind in (EventKind.DRIFT, EventKind.OUTAGE, EventKind.SPIKE) and self.last_day is None:
            raise ValueError(f"a {self.kind} event needs a last_day")
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError(f"a {self.kind} event ends on {self.last_day}, before {self.first_day}")


@dataclass(frozen=True)
class Job:
    """A job of a workflow. `seconds` is its typical wall clock; stages run one after the other.

    `spread` is the standard deviation of the logarithm of a run's seconds. `vcpus_used` and `ram_gb_used` are what it
    typically uses of its class; without them any use is as likely as any other.
    """

    name: str
    seconds: int
    resource_class: str = "medium"
    executor: str = "docker"
    operating_system: str = "linux"
    parallelism: int = 1
    stage: int = 0
    docker_layer_caching: bool = False
    ip_ranges: bool = False
    spread: float = 0.25
    vcpus_used: float | None = None
    ram_gb_used: float | None = None

    def __post_init__(self) -> None:
        """Refuse a class without a rate."""
        if self.executor != "runner" and (self.executor, self.resource_class) not in CREDITS_PER_MINUTE:
            raise ValueError(f"job {self.name!r}: no rate is known of {self.executor} {self.resource_class}")


@dataclass(frozen=True)
class Workflow:
    """A named set of jobs, run at each push or, where `scheduled`, through day and night.

    `odds` is the share of its pipelines in which it runs at all; `Organization.jobs_per_day` ignores it.
    With a `timetable` the workflow has pipelines of its own, exactly as many as that says, and all its jobs run;
    growth, volatility and holidays do not touch them, and `Organization.jobs_per_day` does not count them.
    """

    name: str
    jobs: tuple[Job, ...]
    scheduled: bool = False
    odds: float = 1.0
    timetable: Timetable | None = None


@dataclass(frozen=True)
class Closure:
    """Days on which an organization pushes only this share of what is usual for the weekday, or less on a holiday."""

    first_day: date
    last_day: date
    share: float


@dataclass(frozen=True)
class Project:
    """A project. `renamed` lists (day, new name): exports made from that day on show only the new name.

    From the day `retired` on nothing runs. With a `volatility` the number of pushes is a Poisson draw around a level
    that varies each day by a log-normal factor of that standard deviation, durations by a quarter of it.
    Schedules that rest (`schedules_rest`) keep week-ends and holidays as pushes do.
    """

    id: str
    name: str
    created: date
    workflows: tuple[Workflow, ...]
    weight: float = 1.0
    default_branch: str = "main"
    renamed: tuple[tuple[date, str], ...] = ()
    retired: date | None = None
    volatility: float | None = None
    schedules_rest: bool = False

    def name_on(self, day: date) -> str:
        """Return the name that an export made on `day` shows."""
        return ([self.name] + [name for since, name in sorted(self.renamed) if since <= day])[-1]


@dataclass(frozen=True)
class Organization:
    """An organization. `jobs_per_day` is the mean over a year, counting rows that never ran.

    `growth` is per year around 2026-01-01. `extra_seats` are booked each month at 25,000 credits. `country` (ISO
    3166-1) selects public holidays and bridge days instead of a short fixed list. `volatility` is the standard
    deviation of the logarithm of a level that wanders from week to week and is shared by all pushes. `closures`
    need a country.
    """

    id: str
    name: str
    slug: str
    created: date
    projects: tuple[Project, ...]
    jobs_per_day: float
    growth: float = 0.0
    extra_seats: int = 0
    users: int = 12
    shares_plan_of: str | None = None
    country: str | None = None
    volatility: float = 0.0
    closures: tuple[Closure, ...] = ()

    @property
    def user_ids(self) -> list[str]:
        """The ids of its users."""
        return [str(uuid5(UUID(self.id), f"user {number}")) for number in range(self.users)]

    @property
    def vcs_type(self) -> str:
        """Return the organization type, read from the slug."""
        kind = self.slug.partition("/")[0]
        return {"gh": "github", "bb": "bitbucket"}.get(kind, kind)


@dataclass(frozen=True)
class Scenario:
    """Organizations, their events, and the seed of everything that is drawn."""

    organizations: tuple[Organization, ...]
    events: tuple[Event, ...] = ()
    seed: int = 1

    def __post_init__(self) -> None:
        """Refuse events whose scope does not exist: they would label a change that no row shows."""
        for event in self.events:
            jobs = self._jobs_in(event)
            if not jobs:
                raise ValueError(f"no job is in the scope of {event}")
            for job in jobs:
                if event.resource_class and (job.executor, event.resource_class) not in CREDITS_PER_MINUTE:
                    raise ValueError(f"no rate is known of {job.executor} {event.resource_class}: {event}")

    def organization(self, organization_id: str) -> Organization:
        """Return the organization with that id, or raise KeyError."""
        for organization in self.organizations:
            if organization.id == organization_id:
                return organization
        raise KeyError(organization_id)

    def with_jobs_per_day(self, total: float) -> "Scenario":
        """Return the scenario at another size: `total` jobs a day, spread over organizations as before."""
        factor = total / sum(organization.jobs_per_day for organization in self.organizations)
        return replace(
            self,
            organizations=tuple(replace(o, jobs_per_day=o.jobs_per_day * factor) for o in self.organizations),
        )

    def _jobs_in(self, event: Event) -> list[Job]:
        """Return the jobs that an event touches."""
        return [
            job
            for organization in self.organizations
            if organization.name == event.organization
            for project in organization.projects
            if event.project in (None, project.name)
            for workflow in project.workflows
            if event.workflow in (None, workflow.name)
            for job in workflow.jobs
            if event.job in (None, job.name)
        ]
