"""The rows of usage exports: seeded, vectorised, and the same for a day whatever window it is generated in.

`runs` draws the pipelines, `rows` the jobs, `credits` the credits; `dialects` writes CSV bytes.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

import polars as pl

from circleci_cost.simulator import restatement
from circleci_cost.simulator.columns import Names, frame_of
from circleci_cost.simulator.credits import book_seats, credits_of
from circleci_cost.simulator.effects import effects_of
from circleci_cost.simulator.plan import plan_of
from circleci_cost.simulator.rows import draw_rows
from circleci_cost.simulator.runs import draw_runs
from circleci_cost.simulator.scenario import Organization, Scenario
from circleci_cost.simulator.volatility import strayed

ROWS_PER_CHUNK = 200_000
"""Rows that one frame holds, about; more only where a single day has more."""


def generate(
    scenario: Scenario, organization_ids: Sequence[str], first: date, last: date, as_of: datetime
) -> Iterator[pl.DataFrame]:
    """Yield the rows of JOB_RUN_DATE `first` to `last`, inclusive, as an export made at `as_of` holds them.

    Frames of the export's 48 typed columns, each of some whole days of one organization, so that memory stays
    bounded. Days that CircleCI would not have yet give no rows. An unknown organization raises KeyError.
    """
    last = min(last, restatement.last_available_day(as_of))
    for organization_id in organization_ids:
        organization = scenario.organization(organization_id)
        step = max(1, int(ROWS_PER_CHUNK / max(1.0, organization.jobs_per_day)))
        start = max(first, organization.created)
        while start <= last:
            end = min(last, start + timedelta(days=step - 1))
            days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
            frame = _frame(scenario, organization, days, as_of)
            if frame.height:
                yield frame
            start = end + timedelta(days=1)


def _frame(scenario: Scenario, organization: Organization, days: list[date], as_of: datetime) -> pl.DataFrame:
    """Return the rows of some days of one organization."""
    plan = plan_of(organization)
    effects = effects_of(scenario.events, organization, plan, days)
    effects = strayed(effects, organization, plan, days, scenario.seed)
    runs = draw_runs(organization, plan, effects, days, scenario.seed)
    rows = draw_rows(plan, effects, runs)
    credits = credits_of(plan, effects, rows)
    book_seats(credits, rows, organization, days, scenario.seed)
    late = restatement.late_rows(rows, days, as_of)
    restatement.unbook(credits, rows, late, days, as_of)
    frame = frame_of(Names(organization, plan, effects, days, as_of), runs, rows, credits)
    return frame.filter(pl.Series(~late)) if late.any() else frame
