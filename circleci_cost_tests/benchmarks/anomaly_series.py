"""Labelled sets of daily series for the benchmark of anomalies, made once for a seed and kept in the temporary folder.

    from circleci_cost_tests.benchmarks.anomaly_series import labelled_set, real_like_set
    labelled = labelled_set(1)  # of the project's simulator
    other = real_like_set(1)    # of a statistical generator

Both draw pushes, runs and costs each in its own way; what there is besides pushes (`anomaly_rhythms`) and happens to it
(`anomaly_events`) they share.

**How wild the sets are** was chosen by the peers (`anomaly_peers`), never by the detector, on sets that had pushes only
(version 10): at `USUAL`, over both generators and the seeds 1 to 3 and with one false alarm per series-year each, the
peers scored as they did in the measurements that this project's goals come from. F1 on organizations and projects, here
and there: z-score .48 and .54, percent over the 7-day mean .30 and .31, weekday median .56 and .54, quantile band .48
and .54; on all series: .42 and .37, .21 and .04, .39 and .30, .42 and .20. What was added since makes it harder for
them too. `VOLATILE` organizations stray 2.4 times as far, and run less.

`anomaly_labels` defines which events are labels; scoring is `anomaly_scores`'s job.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from circleci_cost.simulator import Event, EventKind, Organization, Project, Scenario, daily_usage
from circleci_cost_tests.benchmarks.anomaly_events import Scope, booked, draw_corrections
from circleci_cost_tests.benchmarks.anomaly_labels import (
    CLOSED,
    FIRST_BATCH,
    NEW,
    VANISHED,
    Happening,
    causes_of,
    effects_of,
    explained_of,
    labels_of,
    measured_days,
    short_ones,
)
from circleci_cost_tests.benchmarks.anomaly_rhythms import YEAR_END, Batch
from circleci_cost_tests.benchmarks.anomaly_scenario import ORGANIZATIONS, Labelled, random_scenario
from circleci_cost_tests.benchmarks.anomaly_statistical import statistical_parts
from circleci_cost_tests.benchmarks.anomaly_tables import FIRST, LAST, daily_table, draw_gaps, hierarchy_of

VERSION = 11
"""Part of the kept files' names: another number makes all sets anew."""

USUAL, VOLATILE = 1.0, 2.4
"""Volatilities of the sets; what they do is in `random_scenario` and `statistical_parts`."""

PRICE_PER_CREDIT = 0.0006
_ARRIVED = 0.5
_CALM = "-calm"


@dataclass(frozen=True)
class LabelledSet:
    """About 95 series of each organization over 395 days, and the events in them.

    `daily`: `series`, `date`, `runs`, `run_seconds`, `credits`, `cost` (USD), `cost_squared` (sum over runs),
    `complete`. A day on which nothing ran is a row of zeros, from a series' first run on. Of a day that is not
    complete about half the rows arrived, or none.
    `hierarchy`: `series`, `level` (organization, project, workflow, job), `parent`, `organization`.
    `labels`: `event` (one per cause), `kind`, `series`, `level`, `first_day`, `last_day`, `ends` (the last day on which
    an alarm finds it), `over` (the last day of what goes away), `direction` (up, down), `effect_share`,
    `effect_usd_per_day`, `visibility` (the effect in standard deviations of the series' noise), `grown` (the day on
    which a drift has reached 20 %, else the first day).
    `explained`: `series`, `first_day`, `last_day`, `event`: alarms there count neither way.
    `causes`: see `anomaly_labels.causes_of`. `countries`: `organization`, `country`.
    """

    daily: pl.DataFrame
    hierarchy: pl.DataFrame
    labels: pl.DataFrame
    explained: pl.DataFrame
    causes: pl.DataFrame
    countries: pl.DataFrame


def labelled_set(
    seed: int, volatility: float = USUAL, organizations: int = ORGANIZATIONS, calm: bool = False
) -> LabelledSet:
    """Return the set of a seed from the project's simulator; a calm one has no events but those that people know."""
    return _kept(
        f"simulator-{seed}-{volatility:g}-{organizations}{_CALM * calm}",
        lambda: _simulated(random_scenario(seed, volatility, organizations, calm), calm),
    )


def real_like_set(
    seed: int, volatility: float = USUAL, organizations: int = ORGANIZATIONS, calm: bool = False
) -> LabelledSet:
    """Return the set of a seed from a purely statistical generator; a calm one is as in `labelled_set`."""

    def make() -> LabelledSet:
        daily, happenings, measured, countries = statistical_parts(seed, volatility, organizations, calm)
        return _labelled(daily, happenings, measured, countries)

    return _kept(f"statistical-{seed}-{volatility:g}-{organizations}{_CALM * calm}", make)


def _kept(name: str, make: Callable[[], LabelledSet]) -> LabelledSet:
    """Return a set from its files, which are written first where there are none."""
    folder = Path(tempfile.gettempdir()) / "circleci-cost-anomaly-sets" / f"v{VERSION}-{name}"
    paths = {field.name: folder / f"{field.name}.parquet" for field in fields(LabelledSet)}
    if not all(path.exists() for path in paths.values()):
        labelled = make()
        folder.mkdir(parents=True, exist_ok=True)
        for part, path in paths.items():
            # Another process may make the same set: each file appears at once and whole.
            written = path.with_suffix(f".{os.getpid()}")
            getattr(labelled, part).write_parquet(written)
            written.replace(path)
    return LabelledSet(**{part: pl.read_parquet(path) for part, path in paths.items()})


def _labelled(
    daily: pl.DataFrame, happenings: list[Happening], measured: pl.DataFrame, countries: pl.DataFrame
) -> LabelledSet:
    """Put a set together from the daily table of all levels and the effects on jobs."""
    effects = effects_of(happenings, measured, daily)
    return LabelledSet(
        daily, hierarchy_of(daily), labels_of(effects), explained_of(effects), causes_of(effects), countries
    )


def _simulated(described: Labelled, calm: bool) -> LabelledSet:
    """Simulate each organization, and again without each of its events on the days where that is measured."""
    scenario = described.scenario
    dailies, happenings, measured = [], [], []
    for number, organization in enumerate(scenario.organizations):
        own = [event for event in described.kinds if event.organization == organization.name]
        full = _jobs(scenario, organization, FIRST, LAST)
        draw = np.random.default_rng([scenario.seed, 2, number])
        corrections = [] if calm else draw_corrections(draw, _paths(organization), described.taken[organization.name])
        credited = booked(corrections, full)
        counterfactuals = [
            *(
                (
                    _happening(f"{organization.name}#{n:03}", event, described.kinds[event]),
                    _without(scenario, event),
                    organization,
                )
                for n, event in enumerate(own)
            ),
            *_without_closed_weeks(scenario, organization),
        ]
        own_happenings = [happening for happening, _, _ in counterfactuals]
        for happening, other, kept in counterfactuals:
            days = measured_days(happening)
            if days:
                without = _jobs(other, kept, days[0], days[-1])
                measured.append(_measured(happening.event, full, without, days))
        for happening, _ in corrections:
            own_happenings.append(happening)
            with_it = pl.concat([full, credited]).group_by("series", "date").agg(pl.col("cost").sum())
            measured.append(_measured(happening.event, with_it, full, measured_days(happening)))
        for project in organization.projects:
            turned = _turned(scenario, organization, project, full)
            batch = described.batches.get((organization.name, project.name))
            if batch is not None and batch.timetable is not None:
                turned.append(_first_of(batch, batch.timetable.name, organization, project, full))
            own_happenings += [happening for happening, _ in turned]
            measured += [frame for _, frame in turned]
        partial, missing = draw_gaps(draw, short_ones(own_happenings))
        half = _jobs(scenario, organization, FIRST, LAST, dict.fromkeys(partial, _ARRIVED)) if partial else full
        dailies.append(daily_table(pl.concat([half, credited]), partial, missing))
        happenings += own_happenings
    countries = pl.DataFrame(
        [(organization.name, organization.country) for organization in scenario.organizations],
        schema=["organization", "country"],
        orient="row",
    )
    return _labelled(pl.concat(dailies), happenings, pl.concat(measured), countries)


def _paths(organization: Organization) -> list[Scope]:
    """Return the jobs of an organization that run often enough to be credited."""
    return [
        (organization.name, project.name, workflow.name, job.name)
        for project in organization.projects
        for workflow in project.workflows
        if workflow.timetable is None
        for job in workflow.jobs
    ]


def _without_closed_weeks(
    scenario: Scenario, organization: Organization
) -> list[tuple[Happening, Scenario, Organization]]:
    """Return the weeks in which an organization closes, each with a scenario without them."""
    without = []
    for closure in organization.closures:
        if (closure.first_day, closure.last_day) != YEAR_END:
            others = tuple(other for other in organization.closures if other is not closure)
            open_one = replace(organization, closures=others)
            closed = Happening(
                f"{organization.name}#{CLOSED}", CLOSED, organization.name, closure.first_day, closure.last_day
            )
            without.append(
                (closed, replace(scenario, organizations=(open_one,), events=_events_of(scenario, open_one)), open_one)
            )
    return without


def _first_of(
    batch: Batch, workflow: str, organization: Organization, project: Project, full: pl.DataFrame
) -> tuple[Happening, pl.DataFrame]:
    """Return the first occurrence of a batch with jobs of its own, and its effect."""
    scope = f"{organization.name}/{project.name}/{workflow}"
    happening = Happening(f"{scope}#{FIRST_BATCH}", FIRST_BATCH, scope, *batch.days[0])
    without = full.filter(~pl.col("series").str.starts_with(scope + "/"))
    return happening, _measured(happening.event, full, without, measured_days(happening))


def _jobs(
    scenario: Scenario, organization: Organization, first: date, last: date, arrived: dict[date, float] | None = None
) -> pl.DataFrame:
    """Return the jobs of an organization by day, priced: `series`, `date` and the sums."""
    price = pl.lit(PRICE_PER_CREDIT)
    for event in scenario.events:
        if event.kind is EventKind.PRICE_CHANGE and event.organization == organization.name:
            price = pl.when(pl.col("date") >= event.first_day).then(price * event.factor).otherwise(price)
    return daily_usage(scenario, organization.id, first, last, arrived).select(
        pl.concat_str(pl.lit(organization.name), "project", "workflow", "job", separator="/").alias("series"),
        *("date", "runs", "run_seconds", "credits"),
        (pl.col("credits") * price).alias("cost"),
        (pl.col("credits_squared") * price**2).alias("cost_squared"),
    )


def _turned(
    scenario: Scenario, organization: Organization, project: Project, full: pl.DataFrame
) -> list[tuple[Happening, pl.DataFrame]]:
    """Return the projects that began or ended within the span as events, with their effects."""
    turned = []
    scope = f"{organization.name}/{project.name}"
    if project.created > FIRST:
        born = Happening(f"{scope}#{NEW}", NEW, scope, project.created, None)
        calm = full.filter(~pl.col("series").str.starts_with(scope + "/"))
        turned.append((born, _measured(born.event, full, calm, measured_days(born))))
    if project.retired is not None:
        retirement = Happening(f"{scope}#{VANISHED}", VANISHED, scope, project.retired, None)
        others = tuple(replace(other, retired=None) if other is project else other for other in organization.projects)
        kept = replace(organization, projects=others)
        days = measured_days(retirement)
        calm = _jobs(Scenario((kept,), _events_of(scenario, kept), scenario.seed), kept, days[0], days[-1])
        turned.append((retirement, _measured(retirement.event, full, calm, days)))
    return turned


def _events_of(scenario: Scenario, organization: Organization) -> tuple[Event, ...]:
    return tuple(event for event in scenario.events if event.organization == organization.name)


def _without(scenario: Scenario, event: Event) -> Scenario:
    return Scenario(
        scenario.organizations, tuple(other for other in scenario.events if other is not event), scenario.seed
    )


def _measured(event: str, full: pl.DataFrame, calm: pl.DataFrame, days: list[date]) -> pl.DataFrame:
    """Return the cost of the jobs on some days, with and without an event."""

    def costs(jobs: pl.DataFrame, name: str) -> pl.DataFrame:
        return jobs.filter(pl.col("date").is_in(days)).select("series", "date", pl.col("cost").alias(name))

    return (
        costs(full, "cost_with")
        .join(costs(calm, "cost_without"), on=["series", "date"], how="full", coalesce=True)
        .select(pl.lit(event).alias("event"), "series", "date", pl.col("cost_with", "cost_without").fill_null(0.0))
    )


def _happening(name: str, event: Event, kind: str) -> Happening:
    scope = "/".join(name for name in (event.organization, event.project, event.workflow, event.job) if name)
    return Happening(name, kind, scope, event.first_day, event.last_day)
