"""Labelled daily series from statistics alone, so that a detector is not fitted to the project's simulator.

Runs are negative binomial around weekday × holidays × growth × AR(1) wander, those of schedules and monthly batches
exact (`anomaly_rhythms`); the cost of a run is log-normal, and events multiply either on the jobs of their scope.
Series begin, end and are sparse at random.
"""

from collections.abc import Mapping
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from circleci_cost_tests.benchmarks.anomaly_events import (
    Drawn,
    Scope,
    Taken,
    booked,
    draw_corrections,
    draw_factor,
    draw_of_schedule,
    draw_special,
    place,
)
from circleci_cost_tests.benchmarks.anomaly_labels import (
    CLOSED,
    DRIFT,
    FIRST_BATCH,
    NEW,
    PRICE_CHANGE,
    VANISHED,
    Happening,
    measured_days,
    short_ones,
)
from circleci_cost_tests.benchmarks.anomaly_rhythms import (
    BATCH,
    DATES,
)
from circleci_cost_tests.benchmarks.anomaly_scenario import (
    COUNTRIES,
    ORGANIZATIONS,
    PRICE_CHANGES,
    draw_count,
    draw_kind,
)
from circleci_cost_tests.benchmarks.anomaly_statistical_jobs import Floats, Jobs, draw_jobs
from circleci_cost_tests.benchmarks.anomaly_tables import DAYS, FIRST, LEVELS, daily_table, draw_gaps

_PRICE_PER_CREDIT = 0.0006
_WEEKEND = np.array([day.weekday() >= 5 for day in DATES])


def statistical_parts(
    seed: int, volatility: float, count: int = ORGANIZATIONS, calm: bool = False
) -> tuple[pl.DataFrame, list[Happening], pl.DataFrame, pl.DataFrame]:
    """Return the daily table of all levels, the events, their expected effects on jobs, and the countries.

    `volatility` multiplies how far levels and days stray, and divides how many runs there are and how even they are.
    In calm ones nothing happens but what people know.
    """
    dailies, happenings, measured, countries = [], [], [], []
    for number in range(count):
        draw = np.random.default_rng([seed, 3, number])
        name, country = f"org-{number:02}", COUNTRIES[(number + seed) % len(COUNTRIES)]
        jobs = draw_jobs(draw, name, country, volatility)
        taken: Taken = []
        drawn = [] if calm else _happenings(draw, name, jobs, taken)
        drawn += [(happening, factor, True) for happening, factor in jobs.turns]
        factors = [_factors(happening, strength, by_runs, jobs) for happening, strength, by_runs in drawn]
        own = [happening for happening, *_ in drawn]
        usual = jobs.runs * jobs.credits[:, None] * _PRICE_PER_CREDIT
        for index, (happening, strength, _) in enumerate(drawn):
            without = usual * _product(jobs, factors[:index] + factors[index + 1 :])
            with_it = without * factors[index]
            if happening.kind == NEW or (happening.kind == FIRST_BATCH and strength == 1):
                without = without * (1 - _inside(happening, jobs))[:, None]
            measured.append(_measured(happening, with_it, without, jobs.names))
        of_runs = [by_runs for _, _, by_runs in drawn]
        of_price = [happening.kind == PRICE_CHANGE for happening in own]
        runs = _product(jobs, list(compress(factors, of_runs)))
        price = _product(jobs, list(compress(factors, of_price)))[0]
        per_run = _product(jobs, [f for f, r, p in zip(factors, of_runs, of_price, strict=True) if not (r or p)])
        pushed = [job for job, timed in zip(jobs.names, jobs.timed, strict=True) if not timed]
        corrections = [] if calm else draw_corrections(draw, pushed, taken)
        partial, missing = draw_gaps(draw, short_ones([*own, *(happening for happening, _ in corrections)]))
        arrived = np.array([0.5 if day in partial else 1.0 for day in DATES])
        leaves = _drawn(draw, jobs, runs, arrived=arrived, per_run=per_run, price=price)
        credited = booked(corrections, leaves)
        for happening, _ in corrections:
            measured.append(_of_correction(happening, leaves, credited))
        dailies.append(daily_table(pl.concat([leaves, credited]), partial, missing))
        happenings += [*own, *(happening for happening, _ in corrections)]
        countries.append((name, country))
    told_countries = pl.DataFrame(countries, schema=["organization", "country"], orient="row")
    return pl.concat(dailies), happenings, pl.concat(measured), told_countries


def _happenings(draw: np.random.Generator, name: str, jobs: Jobs, taken: Taken) -> list[tuple[Happening, float, bool]]:
    """Draw the events, each with its factor and whether it multiplies runs."""
    happenings: list[tuple[Happening, float, bool]] = []

    def add(drawn: Drawn, by_runs: bool) -> None:
        event = f"{name}#{len(happenings):03}"
        happening = Happening(event, drawn.kind, "/".join(drawn.scope), drawn.first_day, drawn.last_day)
        happenings.append((happening, drawn.factor, by_runs))

    projects = sorted({path[1] for path in jobs.names})
    for special in draw_special(draw, name, projects, draw.random() < PRICE_CHANGES, taken):
        add(special, special.kind != PRICE_CHANGE)
    for scope, timetable in jobs.timetables.items():
        if not timetable.name.startswith(BATCH):
            for drawn in draw_of_schedule(draw, scope, timetable, taken):
                add(drawn, not drawn.per_run)
    pushed = [path for path, timed in zip(jobs.names, jobs.timed, strict=True) if not timed]
    for depth, level in enumerate(LEVELS, 1):
        for scope in dict.fromkeys(path[:depth] for path in pushed):
            for _ in range(draw_count(draw, level)):
                kind = draw_kind(draw, level)
                days = place(draw, kind, scope, taken)
                if days is not None:
                    of_class = kind == "resource_class_change"
                    strength = float(draw.choice([0.5, 1.5, 2, 2.5])) if of_class else draw_factor(draw, kind)
                    by_runs = not of_class and (
                        kind in ("outage", "weekend_leak") or draw.random() < (0.3 if len(scope) == 4 else 0.75)
                    )
                    add(Drawn(kind, scope, *days, strength, not by_runs), by_runs)
    return happenings


def _factors(happening: Happening, strength: float, by_runs: bool, jobs: Jobs) -> Floats:
    """Return the factor of an event on each job and day.

    The runs of timetables follow events of their own workflow, and what stops everything above it.
    """
    since = np.arange(DAYS) - (happening.first_day - FIRST).days
    length = DAYS if happening.last_day is None else (happening.last_day - happening.first_day).days
    active = (since >= 0) & (since <= length)
    touched = _inside(happening, jobs)
    if happening.kind in (NEW, VANISHED):
        course = np.broadcast_to(since >= 0 if happening.kind == NEW else since < 0, jobs.runs.shape)
    elif happening.kind == DRIFT:
        course = np.broadcast_to(1 + (strength - 1) * np.clip(since / max(1, length), 0, 1), jobs.runs.shape)
    elif happening.kind == "weekend_leak":
        working = np.array([row[~_WEEKEND].mean() for row in jobs.runs])
        leaked = strength * working[:, None] / np.maximum(jobs.runs, 1e-9)
        course = np.where(active & _WEEKEND & jobs.rests[:, None] & (jobs.runs > 0), np.maximum(leaked, 1), 1.0)
    else:
        course = np.where(active, strength, np.ones_like(jobs.runs))
    if happening.kind == CLOSED:
        touched = touched & jobs.rests
    elif by_runs and strength > 0 and tuple(happening.scope.split("/")) not in jobs.timetables:
        touched = touched & ~jobs.timed
    return np.where(touched[:, None], course, 1.0)


def _inside(happening: Happening, jobs: Jobs) -> npt.NDArray[np.bool_]:
    """Return which jobs are in the scope of an event."""
    scope = tuple(happening.scope.split("/"))
    return np.array([name[: len(scope)] == scope for name in jobs.names])


def _product(jobs: Jobs, factors: list[Floats]) -> Floats:
    """Multiply the factors of some events."""
    product = np.ones_like(jobs.runs)
    for factor in factors:
        product = product * factor
    return product


def _measured(happening: Happening, with_it: Floats, without: Floats, names: list[Scope]) -> pl.DataFrame:
    """Return the expected cost of all jobs with and without an event, on the days on which it is measured."""
    days = [(day - FIRST).days for day in measured_days(happening)]
    costs = {"cost_with": with_it[:, days], "cost_without": without[:, days]}
    return _long(names, days, costs).select(pl.lit(happening.event).alias("event"), pl.all())


def _of_correction(happening: Happening, leaves: pl.DataFrame, credited: pl.DataFrame) -> pl.DataFrame:
    """Return the cost of the jobs with and without a correction on its day."""
    own = (pl.col("date") == happening.first_day) & pl.col("series").str.starts_with(happening.scope)
    cost = pl.col("cost").sum()
    return (
        pl.concat(
            [
                leaves.filter(pl.col("date") == happening.first_day).select(
                    "series", "date", "cost", pl.lit(False).alias("with_only")
                ),
                credited.filter(own).select("series", "date", "cost", pl.lit(True).alias("with_only")),
            ]
        )
        .group_by("series", "date")
        .agg(
            pl.lit(happening.event).alias("event").first(),
            cost.alias("cost_with"),
            pl.col("cost").filter(~pl.col("with_only")).sum().alias("cost_without"),
        )
        .select("event", "series", "date", "cost_with", "cost_without")
    )


def _drawn(
    draw: np.random.Generator, jobs: Jobs, runs: Floats, *, arrived: Floats, per_run: Floats, price: Floats
) -> pl.DataFrame:
    """Draw runs and their cost, and add them up by job and day; `arrived` is the share of each day's runs."""
    wild = np.where(jobs.timed, 1.0, jobs.dispersion)[:, None]
    varied = draw.poisson(jobs.runs * runs * arrived * draw.gamma(wild, 1 / wild, jobs.runs.shape))
    exact = np.rint(np.rint(jobs.runs * runs) * arrived)
    counts = np.where(jobs.timed[:, None], exact, varied).astype(np.int64).ravel()
    cell = np.repeat(np.arange(counts.size), counts)
    job = cell // DAYS
    single = jobs.credits[job] * np.exp(jobs.spread[job] * draw.normal(size=len(cell)) - jobs.spread[job] ** 2 / 2)
    credits = np.ceil(single * per_run.ravel()[cell])
    priced = credits * _PRICE_PER_CREDIT * price[cell % DAYS]

    def total(values: Floats) -> Floats:
        return np.asarray(np.bincount(cell, values, counts.size), dtype=np.float64).reshape(jobs.runs.shape)

    sums = {
        "runs": counts.reshape(jobs.runs.shape),
        "run_seconds": total(np.ceil(3 * single)).astype(np.int64),
        "credits": total(credits).astype(np.int64),
        "cost": total(priced),
        "cost_squared": total(priced**2),
    }
    return _long(jobs.names, list(range(DAYS)), sums).filter(pl.col("runs") > 0)


def _long(names: list[Scope], days: list[int], values: Mapping[str, npt.NDArray[Any]]) -> pl.DataFrame:
    """Return arrays of (jobs, days) as a table of `series`, `date` and one column each."""
    series = pl.Series(["/".join(name) for name in names]).gather(np.repeat(np.arange(len(names)), len(days)))
    dates = pl.Series([DATES[day] for day in days], dtype=pl.Date)
    return pl.DataFrame(
        {"series": series, "date": dates.gather(np.tile(np.arange(len(days)), len(names)))}
        | {name: array.ravel() for name, array in values.items()}
    )
