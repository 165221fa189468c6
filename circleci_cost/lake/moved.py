"""Jobs whose charge date moved out of a window or into it, so that a day beside the window already holds them.

`spill` decides which day keeps a job, before anything is written; here the neighbouring days are read, and lose jobs.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl

from circleci_cost.lake.days import JobRunsDay, read_day, state_of_day, write_day, write_restatement
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import each_of
from circleci_cost.lake.spill import job_keys, without_keys
from circleci_cost.model.usage.job_runs import PRECEDENCE
from circleci_cost.model.usage.restatements import compare

# A charge date moves by a day or so between two exports of a job; farther days are not looked at.
NEIGHBOUR_DAYS = 7


def read_neighbours(lake: Lake, cost_center: str, written: Collection[date]) -> list[JobRunsDay]:
    """Read the published days near those about to be written, only the columns that identify a job and its export."""
    reach = [timedelta(days=n) for n in range(-NEIGHBOUR_DAYS, NEIGHBOUR_DAYS + 1)]
    near = {day + step for day in written for step in reach} - set(written)
    return read_keys(lake, cost_center, [day for day in lake.job_runs_days(cost_center) if day in near])


def read_keys(lake: Lake, cost_center: str, days: Iterable[date]) -> list[JobRunsDay]:
    """Read those of the published days that have jobs, only the columns that identify a job and its export."""
    columns = ["job_id", "job_run_date", "export_id"]
    read = each_of(lake.root, days, lambda day: read_day(lake, cost_center, day, columns))
    return [day for day in read if day is not None and day.rows.height]


def neighbour_keys(neighbours: Iterable[JobRunsDay], precedence: Mapping[str, int]) -> dict[date, pl.DataFrame]:
    """The `job_keys` of each neighbour; `precedence` ranks the exports by id."""
    rank = pl.col("export_id").cast(pl.String).replace_strict(dict(precedence), return_dtype=pl.Int32)
    return {day.day: job_keys(day.rows.with_columns(rank.alias(PRECEDENCE))) for day in neighbours}


def remove_moved_jobs(
    lake: Lake,
    cost_center: str,
    day: date,
    lost: pl.DataFrame,
    *,
    export_ids: Mapping[int, str],
    at: datetime,
) -> list[pl.DataFrame]:
    """Take the jobs with the keys `lost` out of a published day; return its restatements, one per winning export.

    Run after the winners are published: a crash in between leaves a job twice, and the next run of the same
    days finds it again.
    """
    published = read_day(lake, cost_center, day)
    if published is None:
        return []
    changes: list[pl.DataFrame] = []
    replaced = state_of_day(lake, cost_center, day)
    for (winner,), keys in sorted(lost.partition_by("winner", as_dict=True).items()):
        rows = without_keys(published.rows.with_columns(pl.lit(0, dtype=pl.Int32).alias(PRECEDENCE)), keys)
        after = replace(published, rows=rows.drop(PRECEDENCE))
        change = compare(
            published.rows, after.rows, cost_center=cost_center, day=day, export_id=export_ids[winner], at=at
        )
        write_restatement(lake, change, replaced, len(changes))
        changes.append(change)
        published = after
    write_day(lake, published)
    return changes
