"""Daily usage by job, straight from the draws: the sums over what `generator` yields, without names, ids and times.

For long spans of large scenarios and their counterfactuals. Compute is the only charge type, and no day is restated.
"""

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import polars as pl

from circleci_cost.simulator import generator
from circleci_cost.simulator.credits import credits_of
from circleci_cost.simulator.draws import unit
from circleci_cost.simulator.effects import effects_of
from circleci_cost.simulator.plan import plan_of
from circleci_cost.simulator.rows import draw_rows
from circleci_cost.simulator.runs import draw_runs
from circleci_cost.simulator.scenario import Organization, Scenario
from circleci_cost.simulator.volatility import strayed

_ARRIVED = 62

SCHEMA: dict[str, pl.DataType] = {
    "project": pl.String(),
    "workflow": pl.String(),
    "job": pl.String(),
    "date": pl.Date(),
    "runs": pl.Int64(),
    "run_seconds": pl.Int64(),
    "credits": pl.Int64(),
    "credits_squared": pl.Float64(),
}


def daily_usage(
    scenario: Scenario, organization_id: str, first: date, last: date, arrived: Mapping[date, float] | None = None
) -> pl.DataFrame:
    """Return the usage of `first` to `last`, inclusive, one row per job and day on which it ran.

    Out: `project`, `workflow`, `job`, `date`, `runs` (rows that ran), `run_seconds`, `credits` (compute),
    `credits_squared` (sum over runs of their squared credits). `arrived` gives, for some days, the share of rows
    that counts, as in an export made too early. An unknown organization raises KeyError.
    """
    organization = scenario.organization(organization_id)
    step = max(1, int(generator.ROWS_PER_CHUNK / max(1.0, organization.jobs_per_day)))
    parts = [pl.DataFrame(schema=SCHEMA)]
    start = max(first, organization.created)
    while start <= last:
        end = min(last, start + timedelta(days=step - 1))
        days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
        parts.append(_summed(scenario, organization, days, arrived or {}))
        start = end + timedelta(days=1)
    return pl.concat(parts)


def _summed(
    scenario: Scenario, organization: Organization, days: list[date], arrived: Mapping[date, float]
) -> pl.DataFrame:
    """Add up some days of an organization."""
    plan = plan_of(organization)
    effects = effects_of(scenario.events, organization, plan, days)
    effects = strayed(effects, organization, plan, days, scenario.seed)
    rows = draw_rows(plan, effects, draw_runs(organization, plan, effects, days, scenario.seed))
    credits = credits_of(plan, effects, rows).compute
    counted = rows.ran
    if arrived:
        shares = np.array([arrived.get(day, 1.0) for day in days])
        counted = counted & (unit(rows.key, _ARRIVED) < shares[rows.day])
    cell = (rows.job * len(days) + rows.day)[counted]
    size = len(plan.jobs) * len(days)

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(cell, values[counted], size)

    sums = {
        "runs": np.bincount(cell, minlength=size),
        "run_seconds": total(rows.seconds).astype(np.int64),
        "credits": total(credits).astype(np.int64),
        "credits_squared": total(credits.astype(np.float64) ** 2),
    }
    job_index = pl.Series(np.repeat(np.arange(len(plan.jobs)), len(days)))
    names = {
        "project": pl.Series([organization.projects[p].name for p in plan.workflow_project[plan.job_workflow]]),
        "workflow": pl.Series([plan.workflows[w].name for w in plan.job_workflow]),
        "job": pl.Series([job.name for job in plan.jobs]),
    }
    frame = pl.DataFrame(
        {name: series.gather(job_index) for name, series in names.items()}
        | {"date": pl.Series(days * len(plan.jobs), dtype=pl.Date)}
        | sums,
        schema=SCHEMA,
    )
    return frame.filter(pl.col("runs") > 0)
