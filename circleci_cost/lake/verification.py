"""Counts the written job runs again, from their files, for the checks of `job_runs`.

Independent of the code that wrote them: DuckDB reads what Polars wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.database import connect
from circleci_cost.lake.days import METADATA_KEY, named
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.job_run_files import JOB_RUN_FILES_BY_NAME
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import readable

_QUERY = f"""
WITH foreign_files AS (
    SELECT file_name
    FROM parquet_kv_metadata($files)
    WHERE key = '{METADATA_KEY}'
        -- Files of earlier versions do not name it.
        AND contains(decode(value), '"cost_center": ')
        AND NOT contains(decode(value), $cost_center)
)

SELECT
    count(*),
    count(DISTINCT hash(job_id)),
    count(*) FILTER (WHERE CAST(job_run_date AS VARCHAR) <> date),
    count(*) FILTER (WHERE filename IN (FROM foreign_files)),
    coalesce(sum(total_credits), 0),
    coalesce(sum(list_sum(list_value(
        *COLUMNS(lambda name: ends_with(name, '_credits') AND name <> 'total_credits')
    ))), 0)
FROM {JOB_RUN_FILES_BY_NAME}
"""  # noqa: S608


@dataclass(frozen=True)
class Verification:
    """What the files of some days hold, counted independently."""

    jobs: int
    distinct_jobs: int
    misplaced_jobs: int
    foreign_jobs: int
    credits: Decimal
    charge_type_credits: Decimal


def verify_job_runs(lake: Lake, cost_center: str, days: Sequence[date]) -> Verification:
    """Count the job runs of `days`, whose files must exist."""
    if not days:
        return Verification(0, 0, 0, 0, Decimal(0), Decimal(0))
    paths = [lake.job_runs_file(cost_center, day) for day in days]
    with storage_errors(lake.job_runs(cost_center), "read"), connect() as connection:
        files = readable(paths)
        (row,) = connection.execute(_QUERY, {"files": files, "cost_center": named(cost_center)}).fetchall()
    return Verification(*row)
