"""Simulated changes in cost where jobs have counts of their own: independent ones, schedules, monthly batches.

Daily figures are drawn directly, without the project's simulator (`driver_cases` uses that); measuring how well they
are explained is `drivers`' job.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost_tests.benchmarks.driver_baselines import sides

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

FIRST = date(2026, 3, 2)
WEEKS = 4
NOTHING = "nothing"
KINDS = (
    "runs of a job",
    "runs of a scheduled job",
    "runs of a workflow",
    "runs of a project",
    "minutes of a job",
    "class of a job",
    "price",
    "price and a job",
    "new job",
    "vanished job",
    "two causes",
    "batch in the baseline",
    "batch in the period",
    "stop in the baseline",
    NOTHING,
)
MATERIAL = 0.05
_CREDITS_PER_MINUTE = (5.0, 10.0, 20.0, 40.0)
_FACTORS = (0.4, 0.5, 1.6, 2.0, 3.0)
_PRICE = 0.0006


class Cause(NamedTuple):
    """What happened: the driver that expresses it, and the node at which it did."""

    driver: str
    path: tuple[str, ...]


@dataclass(frozen=True)
class JobsCase:
    """One change: its kind (`KINDS`), its causes in any order, the rows of both periods, and the usual scatter."""

    kind: str
    causes: tuple[Cause, ...]
    before: pl.DataFrame
    after: pl.DataFrame
    scatter: pl.DataFrame


@dataclass
class _Company:
    """Jobs with their place, and [jobs × days] runs, minutes per run, credits per minute and price."""

    places: list[tuple[str, ...]]
    runs: Floats
    minutes: Floats
    rate: Floats
    price: Floats
    batches: Flags
    schedules: Flags
    steady: Flags

    def inside(self, path: tuple[str, ...]) -> Flags:
        return np.array([place[: len(path)] == path for place in self.places])


def draw_jobs_case(seed: int) -> JobsCase | None:
    """Draw a case; None if a cause comes to less than `MATERIAL` of its organization's cost in the period."""
    draw = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    length = int(draw.integers(1, 8))
    start = int(draw.integers(7))
    days = start + 7 * WEEKS + length
    axis = [FIRST + timedelta(days=at) for at in range(days)]
    period = DayRange(axis[-length], axis[-1])
    company = _company(draw, axis)
    after = np.arange(days) >= days - length
    _distract(draw, kind, company, after, start)
    causes: list[Cause] = []
    for what in _what(draw, kind):
        earlier = {cause.path[:4] for cause in causes}
        cause = _happen(draw, what, company, after, earlier)
        if cause is None:
            return None
        causes.append(cause)
    if kind == "batch in the period":
        causes += [Cause("new", place) for place, is_one in zip(company.places, company.batches, strict=True) if is_one]
    return JobsCase(kind, tuple(causes), *sides(_rows(company, axis), period, axis))


def _what(draw: np.random.Generator, kind: str) -> tuple[str, ...]:
    single = ("runs of a job", "runs of a workflow", "minutes of a job", "class of a job", "new job", "vanished job")
    match kind:
        case "two causes":
            return str(draw.choice(single)), str(draw.choice(single))
        case "price and a job":
            return "price", str(draw.choice(single))
        case "batch in the baseline" | "batch in the period" | "stop in the baseline":
            return (str(draw.choice(single)),)
        case "nothing":
            return ()
        case _:
            return (kind,)


def _company(draw: np.random.Generator, axis: list[date]) -> _Company:
    """Two organizations; jobs of a pipeline share its counts, the others have counts of their own."""
    weekday = np.array([day.weekday() for day in axis])
    days = len(axis)
    places: list[tuple[str, ...]] = []
    runs, schedules, steady = [], [], []
    for organization in ("acme", "globex"):
        for project in range(int(draw.integers(3, 7))):
            wave = np.exp(draw.normal(0, 0.1, days))
            for workflow in range(int(draw.integers(1, 4))):
                mode = str(draw.choice(["pipeline", "independent", "scheduled"], p=[0.45, 0.35, 0.2]))
                profile = np.where(weekday >= 5, draw.uniform(0.02, 0.5), np.exp(draw.normal(0, 0.1, 7))[weekday])
                pipelines = draw.poisson(draw.lognormal(2.8, 1.0) * profile * wave * _bursts(draw, days))
                for job in range(int(draw.integers(1, 6))):
                    places.append((organization, organization, f"p{project}", f"w{workflow}", f"j{job}"))
                    is_scheduled = mode == "scheduled"
                    if is_scheduled:
                        on = weekday == draw.integers(7) if draw.random() < 0.15 else weekday < draw.choice([5, 7])
                        count = np.where(on, draw.choice([1, 1, 2, 4, 24]), 0)
                    elif mode == "pipeline":
                        count = draw.binomial(pipelines, draw.choice([1.0, 1.0, 0.95, 0.5]))
                    else:
                        count = draw.poisson(draw.lognormal(2.3, 1.2) * profile * wave * _bursts(draw, days))
                    runs.append(count.astype(float))
                    schedules.append(is_scheduled)
                    steady.append(mode == "pipeline")
    jobs = len(places)
    spread = draw.uniform(0.05, 0.5, jobs)[:, None]
    counts = np.array(runs)
    longer = draw.lognormal(1.3, 0.9, jobs)[:, None]
    # A scheduled job that runs seldom matters only where its runs are long.
    longer = np.where(np.array(schedules)[:, None], longer * 6, longer)
    scatter = np.exp(
        draw.normal(0, 0.02, (jobs, days)) + draw.normal(0, 1, (jobs, days)) * spread / np.sqrt(counts + 1)
    )
    return _Company(
        places,
        counts,
        longer * scatter,
        np.repeat(draw.choice(_CREDITS_PER_MINUTE, jobs)[:, None], days, axis=1),
        np.full((jobs, days), _PRICE),
        np.zeros(jobs, dtype=np.bool_),
        np.array(schedules),
        np.array(steady),
    )


def _bursts(draw: np.random.Generator, days: int) -> Floats:
    """Days are busier or quieter than a Poisson's chance allows."""
    return np.asarray(draw.gamma(25.0, 1 / 25.0, days))


def _distract(draw: np.random.Generator, kind: str, company: _Company, after: Flags, start: int) -> None:
    """What lies beside the cause: a monthly batch, or a day without usage among those that the period is compared with.

    The batch has a job of its own, worth a tenth to a half of its organization's week.
    """
    days = len(after)
    first = int(np.argmax(after))
    weekdays = {(at % 7) for at in np.flatnonzero(after)}
    compared = [at for at in range(start, first) if at % 7 in weekdays and at >= first - 7 * WEEKS]
    if kind == "stop in the baseline":
        at = compared[int(draw.integers(len(compared)))]
        stopped = company.inside(("acme",)) if draw.random() < 0.5 else company.inside(("globex",))
        company.runs[stopped, at] *= draw.choice([0.0, 0.1])
        return
    if kind not in {"batch in the baseline", "batch in the period"}:
        return
    inside = np.flatnonzero(company.inside(("acme",)))
    job = int(draw.choice(inside))
    at = compared[int(draw.integers(len(compared)))] if kind.endswith("baseline") else int(draw.integers(first, days))
    company.batches[job] = True
    company.runs[job] = 0
    company.runs[job, at] = float(draw.integers(5, 50))
    cost = (company.runs * company.minutes * company.rate)[inside].sum() / days * 7
    own = (company.runs * company.minutes * company.rate)[job].sum()
    company.minutes[job] *= draw.uniform(0.1, 0.5) * cost / own


def _happen(
    draw: np.random.Generator, what: str, company: _Company, after: Flags, taken: set[tuple[str, ...]]
) -> Cause | None:
    """Change the period; None if that is not material."""
    usual = company.runs * company.minutes * company.rate * company.price
    free = ~company.batches & np.array([place[:4] not in taken for place in company.places])
    if what == "runs of a scheduled job":
        free &= company.schedules
    if what == "runs of a job":
        free &= ~company.schedules
    if what == "runs of a workflow":
        free &= company.steady
    # Mostly what costs something; else few of the cases are material.
    weight = usual[:, after].sum(axis=1) * free
    if not weight.sum() > 0:
        return None
    job = int(draw.choice(len(weight), p=weight / weight.sum()))
    place = company.places[job]
    depth = {"runs of a workflow": 4, "runs of a project": 3, "price": 1}.get(what, 5)
    path = place[:depth]
    chosen = np.ix_(company.inside(path), after)
    factor = float(draw.choice(_FACTORS))
    driver = "runs"
    if what == "price":
        driver = "price"
        company.price[chosen] *= draw.choice([0.8, 0.9, 1.1, 1.2])
    elif what == "minutes of a job":
        driver = "minutes_per_run"
        company.minutes[chosen] *= factor
    elif what == "class of a job":
        driver = "credits_per_minute"
        company.rate[chosen] *= draw.choice([0.25, 0.5, 2.0, 4.0])
    elif what == "new job":
        driver = "new"
        company.runs[np.ix_(company.inside(path), ~after)] = 0
        usual[np.ix_(company.inside(path), after)] = 0
    elif what == "vanished job":
        driver = "vanished"
        company.runs[chosen] = 0
    elif what == "runs of a scheduled job":
        company.runs[chosen] *= draw.choice([2.0, 2.0, 3.0])
    else:
        _more_runs(draw, company, path, after, factor)
    changed = company.runs * company.minutes * company.rate * company.price
    organization = np.ix_(company.inside(path[:1]), after)
    difference = abs(changed[organization].sum() - usual[organization].sum())
    return Cause(driver, path) if difference >= MATERIAL * usual[organization].sum() else None


def _more_runs(
    draw: np.random.Generator, company: _Company, path: tuple[str, ...], after: Flags, factor: float
) -> None:
    """More or fewer runs, whose number stays whole; jobs of one pipeline get the same ones."""
    chosen = np.ix_(company.inside(path), after)
    runs = company.runs[chosen]
    if factor >= 1:
        extra = np.floor(runs * (factor - 1) + draw.random((1, runs.shape[1])))
        company.runs[chosen] = runs + extra * (runs > 0)
    else:
        company.runs[chosen] = np.floor(runs * factor + draw.random((1, runs.shape[1])) * (runs > 0))


def _rows(company: _Company, axis: list[date]) -> pl.DataFrame:
    """Daily usage by job, as `daily_costs` has it, each organization a cost center of its own."""
    jobs, days = company.runs.shape
    seconds = np.rint(company.runs * company.minutes * 60)
    credits = seconds / 60 * company.rate
    frame = pl.DataFrame(
        {
            **{
                level: np.repeat([place[at] for place in company.places], days).tolist()
                for at, level in enumerate(HIERARCHY)
            },
            "date": axis * jobs,
            "resource_class": [f"{rate:g}" for rate in company.rate.ravel()],
            "executor": ["docker"] * (jobs * days),
            "runs": company.runs.ravel().astype(np.int64),
            "run_seconds": seconds.ravel().astype(np.int64),
            "compute_credits": credits.ravel(),
            "price": company.price.ravel(),
        }
    ).filter(pl.col("runs") > 0)
    amounts = pl.col("compute_credits").round(6).cast(pl.Decimal(38, 6))
    cost = (amounts.cast(pl.Decimal(38, 6)) * pl.col("price").round(7).cast(pl.Decimal(18, 7))).cast(pl.Decimal(38, 16))
    return frame.with_columns(compute_credits=amounts, credits=amounts, compute_cost_usd=cost, cost_usd=cost).drop(
        "price"
    )
