"""Which days are known to have usage, to compare with an export that holds none at all.

What to do about such an export is decided where it is fetched.
"""

from collections.abc import Sequence
from datetime import date

import polars as pl

from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import exports_by_day, landed_exports
from circleci_cost.lake.readable import parquet_source
from circleci_cost.lake.settling import unread_days


def days_with_usage(lake: Lake, cost_center: str, days: Sequence[date]) -> list[date]:
    """Those of `days` that have jobs, or landed exports with parts that were not read yet. Raises `StorageError`."""
    landed = landed_exports(lake, cost_center)
    sources = exports_by_day(landed)
    unread = set(unread_days(lake, cost_center, days, landed))
    return [
        day
        for day in days
        if (
            any(source.manifest.parts for source in sources[day])
            if day in unread
            else jobs_of_day(lake, cost_center, day)
        )
    ]


def jobs_of_day(lake: Lake, cost_center: str, day: date) -> int:
    """Count the job runs of a day; 0 where it was never written. Raises `StorageError`."""
    path = lake.job_runs_file(cost_center, day)
    source = parquet_source(path)
    if source is None:
        return 0
    with storage_errors(path, "read"):
        return int(pl.scan_parquet(source, hive_partitioning=False).select(pl.len()).collect().item())
