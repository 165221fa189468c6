"""Jobs whose charge date moved from one window's day to another's: each job counts once, the last export wins.

Jobs that stand twice inside one window are settled by `spill` before anything is written.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl

from circleci_cost.lake.days import read_day, read_provenance, write_day, write_restatement
from circleci_cost.lake.layout import Lake
from circleci_cost.model.restatements import compare

# A charge date moves by a day or so between two exports of a job; farther days are not looked at.
NEIGHBOUR_DAYS = 7


def settle_moved_jobs(
    lake: Lake, cost_center: str, written: Sequence[date], at: datetime
) -> Iterator[pl.DataFrame]:
    """Remove each job that stands in a day just written and in a neighbouring one from the older export's day.

    Yields the restatement of every day that lost jobs. A crash in between leaves some for the next run of the
    same days, which finds them again.
    """
    inside = set(written)
    for neighbour in lake.job_runs_days(cost_center):
        near = [day for day in written if abs(day - neighbour) <= timedelta(days=NEIGHBOUR_DAYS)]
        if neighbour in inside or not near:
            continue
        repeated = _repeated(lake, cost_center, neighbour, near)
        for day, job_ids in repeated.items():
            _, neighbour_exported_at = read_provenance(lake.job_runs_file(cost_center, neighbour))
            _, exported_at = read_provenance(lake.job_runs_file(cost_center, day))
            loser, winner = (neighbour, day) if neighbour_exported_at <= exported_at else (day, neighbour)
            yield _remove(lake, cost_center, loser, winner, job_ids, at)


def _repeated(lake: Lake, cost_center: str, neighbour: date, near: Sequence[date]) -> dict[date, pl.Series]:
    theirs = pl.scan_parquet(lake.job_runs_file(cost_center, neighbour), hive_partitioning=False)
    files = [lake.job_runs_file(cost_center, day) for day in near]
    ours = pl.scan_parquet(files, hive_partitioning=False).select("job_id", "job_run_date")
    found = ours.join(theirs.select("job_id"), on="job_id", how="semi").collect()
    return {
        day: rows.get_column("job_id")
        for (day,), rows in found.partition_by("job_run_date", as_dict=True).items()
    }


def _remove(
    lake: Lake, cost_center: str, loser: date, winner: date, job_ids: pl.Series, at: datetime
) -> pl.DataFrame:
    before, winning = read_day(lake, cost_center, loser), read_day(lake, cost_center, winner)
    if before is None or winning is None:
        raise AssertionError("a day that was just read is gone")
    rows = before.rows.filter(~pl.col("job_id").is_in(job_ids.implode()))
    change = compare(
        before.rows, rows, cost_center=cost_center, day=loser, export_id=winning.export_ids[-1], at=at
    )
    write_restatement(lake, change)
    write_day(lake, replace(before, rows=rows))
    return change
