"""What happens to the companies of the third generator: the events of a year, drawn for each company.

Usual life is `anomaly_third_world`'s job; how often each thing occurs stands in `anomaly_third`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from circleci_cost_tests.benchmarks.anomaly_labels import DRIFT, NEW, PRICE_CHANGE, STOP, VANISHED
from circleci_cost_tests.benchmarks.anomaly_tables import DAYS, FIRST
from circleci_cost_tests.benchmarks.anomaly_third_world import WEEKDAYS, Company, Matrix

EARLIEST, LATEST = 45, DAYS - 15
"""Days between which events begin: some history before, some days to find them after."""

_KNOWN = 2
"""The last makers of events, which make what people know."""


@dataclass(frozen=True)
class Event:
    """Something that multiplies (`runs`, `credits`, `price`) or adds (`added` runs) from one day on.

    `factor` is by day over the whole span, 1 (or 0 for `added`) where the event does nothing; `last` is None for what
    stays.
    """

    kind: str
    scope: str
    first: int
    last: int | None
    changes: str
    factor: Matrix

    @property
    def first_day(self) -> date:
        """The day on which it begins."""
        return FIRST + timedelta(days=self.first)

    @property
    def last_day(self) -> date | None:
        """The day on which it ends, if it does."""
        return None if self.last is None else FIRST + timedelta(days=self.last)


def draw_events(of: Company, draw: np.random.Generator, calm: bool) -> list[Event]:
    """Draw a year of events for a company, of a scope's within 25 days the first only; calm, those that people know."""
    makers: list[tuple[float, Callable[[Company, np.random.Generator], list[Event]]]] = [
        (1.5, _flaky_storm),
        (1.0, _runaway),
        (1.2, _schedule_once),
        (0.8, _schedule_for_good),
        (1.2, _matrix_grows),
        (0.8, _resource_class),
        (1.0, _cache_lost),
        (1.0, _slower_and_slower),
        (1.0, _outage),
        (0.4, _stop),
        (0.5, _stop_at_year_end),
        (0.6, _weekend_leak),
        (0.3, _hackathon),
        (0.5, _price_change),
        (0.4, _acquisition),
        (0.5, _retirement),
    ]
    events: list[Event] = []
    for mean, make in makers[-_KNOWN:] if calm else makers:
        for _ in range(int(draw.poisson(mean))):
            made = make(of, draw)
            if not any(_collide(event, other) for event in made for other in events):
                events += made
    return events


def _collide(event: Event, other: Event) -> bool:
    """Whether two events would be one to an onlooker; prices change beside anything."""
    if "price" in (event.changes, other.changes) or abs(event.first - other.first) > 25:
        return False
    return f"{event.scope}/".startswith(f"{other.scope}/") or f"{other.scope}/".startswith(f"{event.scope}/")


def _factor(first: int, last: int | None, value: float, usual: float = 1.0) -> Matrix:
    course = np.full(DAYS, usual)
    course[first : DAYS if last is None else last + 1] = value
    return course


def _event(kind: str, scope: str, first: int, last: int | None, **change: float) -> list[Event]:
    """Return an event that changes one thing by one factor, such as `runs=2.0`."""
    last = None if last is None else min(last, DAYS - 1)
    return [Event(kind, scope, first, last, changes, _factor(first, last, value)) for changes, value in change.items()]


def _when(draw: np.random.Generator) -> int:
    return int(draw.integers(EARLIEST, LATEST))


def _working(first: int) -> int:
    """Return the first working day from a day on."""
    return next(day for day in range(first, DAYS) if WEEKDAYS[day] < 5)


def _scope(of: Company, draw: np.random.Generator, depth: int, containing: str = "") -> str:
    """Return a random project (2), workflow (3) or job (4), of the jobs with a word in their name if there are any."""
    jobs = [job for job in of.jobs if containing in job] or of.jobs
    return "/".join(str(draw.choice(jobs)).split("/")[:depth])


def _scheduled(of: Company, draw: np.random.Generator) -> str:
    jobs = [job for job, scheduled in zip(of.jobs, of.scheduled, strict=True) if scheduled] or of.jobs
    return str(draw.choice(jobs))


def _flaky_storm(of: Company, draw: np.random.Generator) -> list[Event]:
    first = _working(_when(draw))
    scope = _scope(of, draw, int(draw.choice((2, 3))), "tests")
    return _event("spike", scope, first, first + int(draw.integers(1, 6)), runs=draw.uniform(1.4, 2.6))


def _runaway(of: Company, draw: np.random.Generator) -> list[Event]:
    first = _when(draw)
    changes = str(draw.choice(("runs", "credits")))
    return _event("spike", _scope(of, draw, 4, "tests"), first, first, **{changes: draw.uniform(3, 12)})


def _schedule_once(of: Company, draw: np.random.Generator) -> list[Event]:
    """A scheduled job runs three times, or not at all, or takes five times as long, once."""
    job = _scheduled(of, draw)
    days = np.flatnonzero(of.expected[of.jobs.index(job)] > 0)
    day = int(draw.choice(days[(days >= EARLIEST) & (days < LATEST)]))
    kind, changes, value = [("spike", "runs", 3.0), ("outage", "runs", 0.0), ("spike", "credits", 5.0)][
        int(draw.integers(3))
    ]
    return _event(kind, job, day, day, **{changes: value})


def _schedule_for_good(of: Company, draw: np.random.Generator) -> list[Event]:
    changes, value = [("runs", 2.0), ("runs", 3.0), ("credits", 3.0), ("credits", 1.5)][int(draw.integers(4))]
    return _event("level_shift", _scheduled(of, draw), _when(draw), None, **{changes: value})


def _matrix_grows(of: Company, draw: np.random.Generator) -> list[Event]:
    value = draw.uniform(1.3, 3) if draw.random() < 0.7 else draw.uniform(0.3, 0.75)
    depth = int(draw.choice((2, 3, 4), p=(0.3, 0.4, 0.3)))
    return _event("level_shift", _scope(of, draw, depth), _working(_when(draw)), None, runs=value)


def _resource_class(of: Company, draw: np.random.Generator) -> list[Event]:
    """Another resource class for a job or workflow, or a migration of runners for a project."""
    value = float(draw.choice((0.5, 0.6, 1.5, 2.0, 2.0, 4.0)))
    depth = int(draw.choice((2, 3, 4)))
    return _event("resource_class", _scope(of, draw, depth), _working(_when(draw)), None, credits=value)


def _cache_lost(of: Company, draw: np.random.Generator) -> list[Event]:
    first, value = _working(_when(draw)), draw.uniform(1.3, 2.2)
    scope = _scope(of, draw, int(draw.choice((2, 3))))
    if draw.random() < 0.5:
        return _event("level_shift", scope, first, None, credits=value)
    return _event("spike", scope, first, first + int(draw.integers(2, 10)), credits=value)


def _slower_and_slower(of: Company, draw: np.random.Generator) -> list[Event]:
    first = int(draw.integers(EARLIEST, LATEST - 60))
    last = first + int(draw.integers(25, 60))
    course = np.ones(DAYS)
    value = draw.uniform(1.25, 1.9)
    course[first : last + 1] = np.linspace(1, value, last - first + 1)
    course[last + 1 :] = value
    changes = str(draw.choice(("credits", "runs")))
    return [Event(DRIFT, _scope(of, draw, int(draw.choice((2, 3))), "tests"), first, last, changes, course)]


def _outage(of: Company, draw: np.random.Generator) -> list[Event]:
    first = _working(_when(draw))
    scope = of.name if draw.random() < 0.15 else _scope(of, draw, int(draw.choice((2, 3))))
    left = float(draw.choice((0.0, 0.0, 0.15)))
    return _event("outage", scope, first, first + int(draw.integers(0, 4)), runs=left)


def _stop(of: Company, draw: np.random.Generator) -> list[Event]:
    """A webhook was removed and nobody noticed."""
    return _event(STOP, _scope(of, draw, int(draw.choice((2, 3)))), _working(_when(draw)), None, runs=0.0)


def _stop_at_year_end(of: Company, draw: np.random.Generator) -> list[Event]:
    """Schedules that stand still, or run wild, while nobody looks."""
    first = (date(2025, 12, 23) - FIRST).days + int(draw.integers(0, 8))
    scope = "/".join(_scheduled(of, draw).split("/")[: int(draw.choice((3, 4)))])
    if draw.random() < 0.6:
        return _event("outage", scope, first, first + int(draw.integers(2, 7)), runs=0.0)
    return _event("spike", scope, first, first + int(draw.integers(1, 5)), runs=draw.uniform(3, 6))


def _weekend_leak(of: Company, draw: np.random.Generator) -> list[Event]:
    first = _when(draw)
    last = min(first + int(draw.integers(14, 50)), DAYS - 1)
    scope = _scope(of, draw, 3, "tests")
    usual = of.expected[of.under(scope)][:, WEEKDAYS < 5].mean()
    course = np.zeros(DAYS)
    course[first : last + 1] = usual * draw.uniform(0.4, 1.0)
    return [Event("weekend_leak", scope, first, last, "added", np.where(WEEKDAYS >= 5, course, 0.0))]


def _hackathon(of: Company, draw: np.random.Generator) -> list[Event]:
    first = _when(draw)
    monday = first - int(WEEKDAYS[first])
    return _event("spike", of.name, monday, monday + 4, runs=draw.uniform(1.3, 1.7))


def _price_change(of: Company, draw: np.random.Generator) -> list[Event]:
    """A new price for all, in three of five cases with something else within four days."""
    day = int(draw.integers(EARLIEST + 5, LATEST - 5))
    events = _event(PRICE_CHANGE, of.name, day, None, price=float(draw.choice((0.85, 1.1, 1.15, 1.25, 1.35))))
    if draw.random() < 0.6:
        near = day + int(draw.integers(-4, 5))
        events += _event("level_shift", _scope(of, draw, 2), near, None, runs=float(draw.choice((0.5, 1.6, 2.0))))
    return events


def _acquisition(of: Company, draw: np.random.Generator) -> list[Event]:
    first = _when(draw)
    return [Event(NEW, _scope(of, draw, 2), first, None, "runs", 1 - _factor(0, first - 1, 1.0, 0.0))]


def _retirement(of: Company, draw: np.random.Generator) -> list[Event]:
    return _event(VANISHED, _scope(of, draw, 2), _when(draw), None, runs=0.0)
