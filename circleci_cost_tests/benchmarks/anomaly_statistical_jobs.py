"""The jobs of the statistical sets and their usual days: levels, weeks, holidays, schedules and batches.

What happens to them, and drawing the days, is `anomaly_statistical`'s job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import holidays
import numpy as np
import numpy.typing as npt

from circleci_cost_tests.benchmarks.anomaly_events import Scope
from circleci_cost_tests.benchmarks.anomaly_labels import CLOSED, FIRST_BATCH, NEW, VANISHED, Happening
from circleci_cost_tests.benchmarks.anomaly_rhythms import (
    BATCH,
    DATES,
    YEAR_END,
    Span,
    Timetable,
    draw_batch,
    draw_closed_weeks,
    draw_schedules,
    draw_year_end,
)
from circleci_cost_tests.benchmarks.anomaly_tables import DAYS, FIRST

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Jobs:
    """The jobs of an organization: names, expected runs (job × day), the mean and spread of a run's credits.

    The runs of `timed` jobs are exact. `turns` are events that people know, each with its factor: projects that begin
    or end, closed weeks, first occurrences of batches.
    """

    names: list[Scope]
    runs: Floats
    credits: Floats
    spread: Floats
    dispersion: Floats
    rests: npt.NDArray[np.bool_]
    timed: npt.NDArray[np.bool_]
    timetables: dict[Scope, Timetable]
    turns: list[tuple[Happening, float]]


def draw_jobs(draw: np.random.Generator, name: str, country: str, volatility: float) -> Jobs:
    """Draw the jobs of an organization; `volatility` multiplies how far they stray, and divides how often they run."""
    size, growth = np.exp(draw.uniform(np.log(4), np.log(30))) / volatility, draw.uniform(-0.2, 0.7)
    strays = _wander(draw, 0.97, volatility * draw.uniform(0.01, 0.05))
    level = (1 + growth) ** (np.arange(DAYS) / 365) * np.exp(strays)
    pushes = _week(draw, country)
    names: list[Scope] = []
    timetables: dict[Scope, Timetable] = {}
    turns: list[tuple[Happening, float]] = []
    runs, rests, dispersion, credits, spread = [], [], [], [], []
    for project in range(int(draw.integers(7, 11))):
        scope = (name, f"project-{project:02}")
        path = "/".join(scope)
        own = size * draw.lognormal(0, 0.8) * np.exp(_wander(draw, 0.5, volatility * draw.uniform(0.03, 0.12)))
        if draw.random() < 0.15:
            day, kind = DATES[int(draw.integers(40, 350))], NEW if draw.random() < 0.6 else VANISHED
            turns.append((Happening(f"{path}#{kind}", kind, path, day, None), 0.0))
        wild = np.exp(draw.uniform(np.log(15), np.log(200))) / volatility
        batch = draw_batch(draw)
        for workflow in range(int(draw.integers(1, 4))):
            resting = bool(workflow == 0 or draw.random() < 0.5)
            share = (
                1.0 if workflow == 0 else (draw.uniform(0.02, 0.15) if draw.random() < 0.15 else draw.uniform(0.4, 1.2))
            )
            mean = share * own * level * pushes if resting else np.full(DAYS, share * size)
            if workflow == 0 and batch is not None and batch.timetable is None:
                mean = mean * _busy(batch.days[1:], batch.times)
                first = Happening(f"{path}#{FIRST_BATCH}", FIRST_BATCH, f"{path}/workflow-0", *batch.days[0])
                turns.append((first, batch.times))
            for job in range(int(draw.integers(2, 6))):
                names.append((*scope, f"workflow-{workflow}", f"job-{job}"))
                runs.append(mean * draw.uniform(0.6, 1.4))
                rests.append(resting)
                dispersion.append(wild if resting else 50.0)
                credits.append(draw.lognormal(4, 1.1))
                spread.append(draw.uniform(0.15, 0.4) if draw.random() < 0.7 else draw.uniform(0.5, 1))
        added = draw_schedules(draw, country)
        if batch is not None and batch.timetable is not None:
            added.append(batch.timetable)
            own_jobs = f"{path}/{batch.timetable.name}"
            turns.append((Happening(f"{own_jobs}#{FIRST_BATCH}", FIRST_BATCH, own_jobs, *batch.days[0]), 1.0))
        for timetable in added:
            timetables[(*scope, timetable.name)] = timetable
            for job, deviation in enumerate(timetable.spreads):
                names.append((*scope, timetable.name, f"job-{job}"))
                runs.append(np.array(timetable.runs, dtype=np.float64))
                rests.append(False)
                dispersion.append(np.inf)
                # What runs once a day, or once a month, takes longer than what runs at each push, or each hour.
                often = 1 if timetable.name.startswith(BATCH) else max(timetable.runs)
                credits.append(draw.lognormal(6, 1.1) / np.sqrt(often))
                spread.append(deviation)
    closed = draw_closed_weeks(draw)
    if closed is not None:
        turns.append((Happening(f"{name}#{CLOSED}", CLOSED, name, closed[0], closed[1]), closed[2]))
    return Jobs(
        names=names,
        runs=np.array(runs),
        credits=np.array(credits),
        spread=np.array(spread),
        dispersion=np.array(dispersion),
        rests=np.array(rests),
        timed=np.isinf(dispersion),
        timetables=timetables,
        turns=turns,
    )


def _busy(days: Sequence[Span], times: float) -> Floats:
    """Return how many times as busy each day is."""
    return np.array([times if any(first <= day <= last for first, last in days) else 1.0 for day in DATES])


def _week(draw: np.random.Generator, country: str) -> Floats:
    """Return a weekday profile with the country's holidays; how much is done on them depends on the organization."""
    profile = np.concatenate([draw.uniform(3, 5, 5), draw.uniform(0.2, 1.2, 2)])
    depth = draw_year_end(draw)
    public = set(holidays.country_holidays(country, years=range(FIRST.year, FIRST.year + 3)))
    kept, half = draw.uniform(0.05, 0.3), draw.uniform(0.4, 0.8)
    activity = [profile[day.weekday()] * _kept(day, public, kept, half) for day in DATES]
    quiet = [depth if YEAR_END[0] <= day <= YEAR_END[1] and day not in public else 1.0 for day in DATES]
    return np.array(activity) * quiet


def _kept(day: date, public: set[date], kept: float, half: float) -> float:
    if day in public:
        return kept
    bridge = {0: day + timedelta(days=1), 4: day - timedelta(days=1)}.get(day.weekday())
    return half if bridge in public else 1.0


def _wander(draw: np.random.Generator, memory: float, deviation: float) -> Floats:
    """Return an AR(1) path with that standard deviation."""
    path = np.empty(DAYS)
    path[0] = draw.normal()
    for day, shock in enumerate(draw.normal(size=DAYS - 1), 1):
        path[day] = memory * path[day - 1] + np.sqrt(1 - memory**2) * shock
    return deviation * path
