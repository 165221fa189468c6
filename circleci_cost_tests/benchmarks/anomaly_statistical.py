"""Labelled daily series from statistics alone, so that a detector is not fitted to the project's simulator.

Runs are negative binomial around weekday × holidays × growth × AR(1) wander, the cost of a run is log-normal, and
events multiply either on the jobs of their scope. Series begin, end and are sparse at random.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import compress
from typing import Any

import holidays
import numpy as np
import numpy.typing as npt
import polars as pl

from circleci_cost_tests.benchmarks.anomaly_labels import NEW, VANISHED, Happening, measured_days, short_ones
from circleci_cost_tests.benchmarks.anomaly_scenario import (
    COUNTRIES,
    ORGANIZATIONS,
    Scope,
    draw_count,
    draw_factor,
    draw_kind,
    place,
)
from circleci_cost_tests.benchmarks.anomaly_tables import DAYS, FIRST, LEVELS, daily_table, draw_gaps

Floats = npt.NDArray[np.float64]

_PRICE_PER_CREDIT = 0.0006
_DATES = [FIRST + timedelta(days=n) for n in range(DAYS)]
_WEEKEND = np.array([day.weekday() >= 5 for day in _DATES])


@dataclass(frozen=True)
class _Jobs:
    """The jobs of an organization: names, expected runs (job × day), the mean and spread of a run's credits.

    `turns` holds the projects that begin or end: the kind and the day's number.
    """

    names: list[Scope]
    runs: Floats
    credits: Floats
    spread: Floats
    dispersion: Floats
    rests: npt.NDArray[np.bool_]
    turns: dict[str, tuple[str, int]]


def statistical_parts(
    seed: int, volatility: float, count: int = ORGANIZATIONS
) -> tuple[pl.DataFrame, list[Happening], pl.DataFrame, pl.DataFrame]:
    """Return the daily table of all levels, the events, their expected effects on jobs, and the countries.

    `volatility` multiplies how far levels and days stray, and divides how many runs there are and how even they are.
    """
    dailies, happenings, measured, countries = [], [], [], []
    for number in range(count):
        draw = np.random.default_rng([seed, 3, number])
        name, country = f"org-{number:02}", COUNTRIES[(number + seed) % len(COUNTRIES)]
        jobs = _jobs(draw, name, country, volatility)
        drawn = _happenings(draw, name, jobs, price_changes=number < 2) + _turned(jobs)
        factors = [_factors(happening, strength, jobs) for happening, strength, _ in drawn]
        own = [happening for happening, *_ in drawn]
        usual = jobs.runs * jobs.credits[:, None] * _PRICE_PER_CREDIT
        for index, happening in enumerate(own):
            without = usual * _product(jobs, factors[:index] + factors[index + 1 :])
            with_it = without * factors[index]
            if happening.kind == NEW:
                without = without * (1 - _inside(happening, jobs))[:, None]
            measured.append(_measured(happening, with_it, without, jobs.names))
        of_runs = [by_runs for _, _, by_runs in drawn]
        of_price = [happening.kind == "price_change" for happening in own]
        runs = _product(jobs, list(compress(factors, of_runs)))
        price = _product(jobs, list(compress(factors, of_price)))[0]
        per_run = _product(jobs, [f for f, r, p in zip(factors, of_runs, of_price, strict=True) if not (r or p)])
        partial, missing = draw_gaps(draw, short_ones(own))
        arrived = np.array([0.5 if day in partial else 1.0 for day in _DATES])
        leaves = _drawn(draw, jobs, runs * arrived, per_run, price)
        dailies.append(daily_table(leaves, partial, missing))
        happenings += own
        countries.append((name, country))
    told_countries = pl.DataFrame(countries, schema=["organization", "country"], orient="row")
    return pl.concat(dailies), happenings, pl.concat(measured), told_countries


def _jobs(draw: np.random.Generator, name: str, country: str, volatility: float) -> _Jobs:
    size, growth = np.exp(draw.uniform(np.log(4), np.log(30))) / volatility, draw.uniform(-0.2, 0.7)
    strays = _wander(draw, 0.97, volatility * draw.uniform(0.01, 0.05))
    level = (1 + growth) ** (np.arange(DAYS) / 365) * np.exp(strays)
    pushes = _week(draw, country)
    names: list[Scope] = []
    turns: dict[str, tuple[str, int]] = {}
    runs, rests, dispersion = [], [], []
    for project in range(int(draw.integers(7, 11))):
        own = size * draw.lognormal(0, 0.8) * np.exp(_wander(draw, 0.5, volatility * draw.uniform(0.03, 0.12)))
        if draw.random() < 0.15:
            turn = int(draw.integers(40, 350))
            turns[f"{name}/project-{project:02}"] = (NEW if draw.random() < 0.6 else VANISHED, turn)
        wild = np.exp(draw.uniform(np.log(15), np.log(200))) / volatility
        for workflow in range(int(draw.integers(1, 4))):
            resting = bool(workflow == 0 or draw.random() < 0.5)
            share = (
                1.0 if workflow == 0 else (draw.uniform(0.02, 0.15) if draw.random() < 0.15 else draw.uniform(0.4, 1.2))
            )
            mean = share * own * level * pushes if resting else np.full(DAYS, share * size)
            for job in range(int(draw.integers(2, 6))):
                names.append((name, f"project-{project:02}", f"workflow-{workflow}", f"job-{job}"))
                runs.append(mean * draw.uniform(0.6, 1.4))
                rests.append(resting)
                dispersion.append(wild if resting else 50.0)
    spread = np.where(
        draw.random(len(names)) < 0.7, draw.uniform(0.15, 0.4, len(names)), draw.uniform(0.5, 1, len(names))
    )
    return _Jobs(
        names, np.array(runs), draw.lognormal(4, 1.1, len(names)), spread, np.array(dispersion), np.array(rests), turns
    )


def _week(draw: np.random.Generator, country: str) -> Floats:
    """Return a weekday profile with the country's holidays; how much is done on them depends on the organization."""
    profile = np.concatenate([draw.uniform(3, 5, 5), draw.uniform(0.2, 1.2, 2)])
    public = set(holidays.country_holidays(country, years=range(FIRST.year, FIRST.year + 3)))
    kept, half = draw.uniform(0.05, 0.3), draw.uniform(0.4, 0.8)
    activity = [profile[day.weekday()] * _kept(day, public, kept, half) for day in _DATES]
    return np.array(activity)


def _kept(day: date, public: set[date], kept: float, half: float) -> float:
    if day in public:
        return kept
    if (day.month, day.day) >= (12, 24):
        return 0.5 * half
    bridge = {0: day + timedelta(days=1), 4: day - timedelta(days=1)}.get(day.weekday())
    return half if bridge in public else 1.0


def _wander(draw: np.random.Generator, memory: float, deviation: float) -> Floats:
    """Return an AR(1) path with that standard deviation."""
    path = np.empty(DAYS)
    path[0] = draw.normal()
    for day, shock in enumerate(draw.normal(size=DAYS - 1), 1):
        path[day] = memory * path[day - 1] + np.sqrt(1 - memory**2) * shock
    return deviation * path


def _happenings(
    draw: np.random.Generator, name: str, jobs: _Jobs, price_changes: bool
) -> list[tuple[Happening, float, bool]]:
    """Draw the events, each with its factor and whether it multiplies runs."""
    taken: list[tuple[Scope, date, date]] = []
    happenings: list[tuple[Happening, float, bool]] = []

    def happen(kind: str, scope: Scope) -> None:
        days = place(draw, kind, scope, taken)
        if days is None:
            return
        cost = kind in ("resource_class_change", "price_change")
        strength = (
            float(draw.choice([0.5, 1.5, 2, 2.5])) if kind == "resource_class_change" else draw_factor(draw, kind)
        )
        by_runs = not cost and (
            kind in ("outage", "weekend_leak") or draw.random() < (0.3 if len(scope) == 4 else 0.75)
        )
        happenings.append((Happening(f"{name}#{len(happenings):03}", kind, "/".join(scope), *days), strength, by_runs))

    if price_changes:
        happen("price_change", (name,))
    for depth, level in enumerate(LEVELS, 1):
        for scope in dict.fromkeys(path[:depth] for path in jobs.names):
            for _ in range(draw_count(draw, level)):
                happen(draw_kind(draw, level), scope)
    return happenings


def _factors(happening: Happening, strength: float, jobs: _Jobs) -> Floats:
    """Return the factor of an event on each job and day."""
    since = np.arange(DAYS) - (happening.first_day - FIRST).days
    length = DAYS if happening.last_day is None else (happening.last_day - happening.first_day).days
    active = (since >= 0) & (since <= length)
    if happening.kind in (NEW, VANISHED):
        course = np.broadcast_to(since >= 0 if happening.kind == NEW else since < 0, jobs.runs.shape)
    elif happening.kind == "drift":
        course = np.broadcast_to(1 + (strength - 1) * np.clip(since / max(1, length), 0, 1), jobs.runs.shape)
    elif happening.kind == "weekend_leak":
        working = np.array([row[~_WEEKEND].mean() for row in jobs.runs])
        leaked = strength * working[:, None] / np.maximum(jobs.runs, 1e-9)
        course = np.where(active & _WEEKEND & jobs.rests[:, None] & (jobs.runs > 0), np.maximum(leaked, 1), 1.0)
    else:
        course = np.where(active, strength, np.ones_like(jobs.runs))
    return np.where(_inside(happening, jobs)[:, None], course, 1.0)


def _inside(happening: Happening, jobs: _Jobs) -> npt.NDArray[np.bool_]:
    """Return which jobs are in the scope of an event."""
    scope = tuple(happening.scope.split("/"))
    return np.array([name[: len(scope)] == scope for name in jobs.names])


def _turned(jobs: _Jobs) -> list[tuple[Happening, float, bool]]:
    """Return the projects that begin or end as events that multiply their runs."""
    return [
        (Happening(f"{project}#{kind}", kind, project, _DATES[day], None), 0.0, True)
        for project, (kind, day) in jobs.turns.items()
    ]


def _product(jobs: _Jobs, factors: list[Floats]) -> Floats:
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


def _drawn(draw: np.random.Generator, jobs: _Jobs, runs: Floats, per_run: Floats, price: Floats) -> pl.DataFrame:
    """Draw runs and their cost, and add them up by job and day."""
    dispersion = jobs.dispersion[:, None]
    counts = draw.poisson(jobs.runs * runs * draw.gamma(dispersion, 1 / dispersion, jobs.runs.shape)).ravel()
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
    dates = pl.Series([_DATES[day] for day in days], dtype=pl.Date)
    return pl.DataFrame(
        {"series": series, "date": dates.gather(np.tile(np.arange(len(days)), len(names)))}
        | {name: array.ravel() for name, array in values.items()}
    )
