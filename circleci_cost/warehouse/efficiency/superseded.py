"""Marks the part of each daily cost that belongs to superseded job runs, from the job runs of the days around it.

What the marked part counts as is `waste`'s subject. The rule is in `superseded.sql`.
"""

from collections.abc import Collection, Iterable
from datetime import date, timedelta

import duckdb

from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import readable
from circleci_cost.model.efficiency.waste import RERUN_DAYS
from circleci_cost.warehouse.core.day_batches import batches
from circleci_cost.warehouse.core.statements import sql

# The attempts of so much, a month of 100,000 jobs a day, fit in memory beside everything else. A statement takes a
# third of a second whatever it reads: the days of small organizations are marked at once.
_BYTES_AT_ONCE = 256 * 1024 * 1024


def mark_superseded(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    cost_center: str,
    written: Iterable[date],
    present: Collection[date],
) -> None:
    """Mark the written days again, and the earlier ones whose runs an attempt on a written day may supersede.

    In: the days whose daily costs were just replaced, and those that have job runs; in the caller's transaction. The
    result is the same however the days were grouped: a run is judged by the days around its own.
    """
    touched = marked_days(written, present)
    for days in batches(touched, lambda day: lake.job_runs_file(cost_center, day).stat().st_size, _BYTES_AT_ONCE):
        read = _around(days, -1, RERUN_DAYS).intersection(present)
        files = readable(lake.job_runs_file(cost_center, day) for day in sorted(read))
        connection.execute(
            sql("efficiency/superseded"),
            {"files": files, "days": days, "cost_center": cost_center, "rerun_days": RERUN_DAYS},
        )


def marked_days(written: Iterable[date], present: Collection[date]) -> list[date]:
    """The days that are marked again after the daily costs of some were replaced, in order."""
    return sorted(_around(written, -RERUN_DAYS, 1).intersection(present))


def _around(days: Iterable[date], before: int, after: int) -> set[date]:
    """The days with those before and after each of them."""
    return {day + timedelta(days=by) for day in days for by in range(before, after + 1)}
