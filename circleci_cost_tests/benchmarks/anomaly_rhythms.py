"""What usage has besides pushes: fixed schedules, monthly batches, a quiet year's end, closed weeks; for both sets.

What happens to them is in `anomaly_events`, how pushes stray in the generators.

The shares were set before any detector ran on them. 60 % of the projects have a schedule, a third of those two: nightly
(one run, 35 %), a weekday cron of 2 to 8 runs (25 %), weekly (20 %), hourly (10 %), 2 to 6 runs each day (10 %); one in
five rests on public holidays and from 24 December to 1 January, the others go on. Durations vary by 2 to 8 %, of three
in ten jobs by 10 to 30 %. 25 % of the projects have a monthly batch with jobs of its own, which costs about as much as
a day of the project; 15 % are 1.8 to 4 times as busy on such days. 70 % of the batches are there from the beginning,
others from a later month on. All organizations are quiet from 22 December to 2 January: .1 to .6 of a usual weekday's
pushes; one in four closes for one to three weeks in summer.
"""

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

import holidays
import numpy as np

from circleci_cost_tests.benchmarks.anomaly_tables import DAYS, FIRST, LAST

DATES = tuple(FIRST + timedelta(days=n) for n in range(DAYS))
YEAR_END = date(2025, 12, 22), date(2026, 1, 2)
SCHEDULE, BATCH = "cron-", "batch-"
"""What the names of workflows begin with; no detector reads names."""

_SCHEDULES = {"nightly": 0.35, "weekdays": 0.25, "weekly": 0.2, "hourly": 0.1, "daily": 0.1}
_BATCHES = ("first-day", "last-day", "last-three-days", "4th", "15th", "last-friday", "first-working-day")
_SUMMER = date(2026, 7, 6)
_FRIDAY = 4

Span = tuple[date, date]


@dataclass(frozen=True)
class Timetable:
    """The runs of a workflow on each day of the set; its jobs' spreads are of the logarithm of a run's cost."""

    name: str
    runs: tuple[int, ...]
    spreads: tuple[float, ...]

    def __call__(self, day: date) -> int:
        """Return how often it runs on a day."""
        return self.runs[(day - FIRST).days]

    def next_run(self, day: date) -> date:
        """Return the first day from this one on with a run."""
        return next(other for other in DATES[(day - FIRST).days :] if self(other))


@dataclass(frozen=True)
class Batch:
    """A monthly batch: its days, and how many times as busy they are, or its own timetable."""

    days: tuple[Span, ...]
    times: float
    timetable: Timetable | None


def draw_schedules(draw: np.random.Generator, country: str) -> list[Timetable]:
    """Draw the schedules of a project."""
    count = 0 if draw.random() >= 0.6 else 1 + int(draw.random() < 1 / 3)
    return [_schedule(draw, country, number) for number in range(count)]


def draw_batch(draw: np.random.Generator) -> Batch | None:
    """Draw the monthly batch of a project, if any."""
    fate = draw.random()
    if fate >= 0.4:
        return None
    rule = str(draw.choice(_BATCHES))
    begins = FIRST if draw.random() < 0.7 else FIRST + timedelta(days=int(draw.integers(45, 240)))
    days = tuple(span for span in batch_days(rule) if span[0] >= begins)
    if fate >= 0.25:
        return Batch(days, float(draw.uniform(1.8, 4)), None)
    runs = int(np.exp(draw.uniform(np.log(2), np.log(40))))
    busy = tuple(runs * any(first <= day <= last for first, last in days) for day in DATES)
    return Batch(days, 1.0, Timetable(f"{BATCH}{rule}", busy, _spreads(draw, int(draw.integers(2, 5)))))


def draw_year_end(draw: np.random.Generator) -> float:
    """Draw an organization's pushes from 22 December to 2 January, as a share of a usual weekday's."""
    return float(draw.uniform(0.1, 0.6))


def draw_closed_weeks(draw: np.random.Generator) -> tuple[date, date, float] | None:
    """Draw the weeks in which an organization closes in summer, if any, and what is done in them."""
    if draw.random() >= 0.25:
        return None
    first = _SUMMER + timedelta(weeks=int(draw.integers(0, 6)))
    return first, first + timedelta(days=7 * int(draw.integers(1, 4)) - 1), float(draw.uniform(0.05, 0.3))


def batch_days(rule: str) -> list[Span]:
    """Return the first and last day of each occurrence in the set; those that the set cuts are left out."""
    spans = []
    months = sorted({(day.year, day.month) for day in DATES})
    for year, month in months:
        first, last = date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
        working = next(day for n in range(3) if (day := first + timedelta(days=n)).weekday() <= _FRIDAY)
        span = {
            "first-day": (first, first),
            "last-day": (last, last),
            "last-three-days": (last - timedelta(days=2), last),
            "4th": (date(year, month, 4), date(year, month, 4)),
            "15th": (date(year, month, 15), date(year, month, 15)),
            "last-friday": 2 * (last - timedelta(days=(last.weekday() - _FRIDAY) % 7),),
            "first-working-day": (working, working),
        }[rule]
        if span[0] >= FIRST and span[1] <= LAST:
            spans.append((span[0], span[1]))
    return spans


def _schedule(draw: np.random.Generator, country: str, number: int) -> Timetable:
    kind = str(draw.choice(list(_SCHEDULES), p=list(_SCHEDULES.values())))
    several, weekday = int(draw.integers(2, 9)), int(draw.integers(7))
    by_weekday = {
        "nightly": [1] * 7,
        "weekdays": [several] * 5 + [0, 0],
        "weekly": [int(day == weekday) for day in range(7)],
        "hourly": [24] * 7,
        "daily": [min(several, 6)] * 7,
    }[kind]
    public = set(holidays.country_holidays(country, years=range(FIRST.year, LAST.year + 1)))
    rests = draw.random() < 0.2
    runs = tuple(by_weekday[day.weekday()] * (not (rests and _off(day, public))) for day in DATES)
    return Timetable(f"{SCHEDULE}{kind}-{number}", runs, _spreads(draw, int(draw.integers(1, 4))))


def _off(day: date, public: set[date]) -> bool:
    return day in public or (day.month, day.day) >= (12, 24) or (day.month, day.day) == (1, 1)


def _spreads(draw: np.random.Generator, jobs: int) -> tuple[float, ...]:
    return tuple(
        float(draw.uniform(0.02, 0.08) if draw.random() < 0.7 else draw.uniform(0.1, 0.3)) for _ in range(jobs)
    )
