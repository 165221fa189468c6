"""Finds example runs of jobs in the lake: the dearest of a day, as links into CircleCI's web application.

`model.drivers.links` builds the links.
"""

from collections.abc import Mapping
from datetime import date

import duckdb
import polars as pl

from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import present, readable
from circleci_cost.model.drivers.links import JobRun, job_run_url
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost.warehouse.core.statements import sql


def example_runs(
    connection: duckdb.DuckDBPyConnection, lake: Lake, wanted: pl.DataFrame, limit: int = 3
) -> dict[int, list[str]]:
    """The addresses of the dearest runs of some jobs on some days, by `number`; seats do not count.

    In: `number`, `cost_center`, `organization`, `project`, `workflow`, `job` as shown and `date`; the job runs of days
    that the lake has. Runs of which no address can be made are left out.
    """
    days = wanted.select("cost_center", "date").unique().sort("cost_center", "date")
    files = [lake.job_runs_file(cost_center, day) for cost_center, day in days.iter_rows()]
    existing = readable(present(files))
    if not existing:
        return {}
    connection.execute(sql("core/macros"))
    connection.register("wanted", wanted)
    try:
        rows = connection.execute(sql("drivers/examples"), {"files": existing, "limit": limit}).fetchall()
    finally:
        connection.unregister("wanted")
    urls: dict[int, list[str]] = {}
    for number, *parts in rows:
        url = job_run_url(JobRun(*parts))
        if url is not None:
            urls.setdefault(number, []).append(url)
    return urls


def with_examples(
    connection: duckdb.DuckDBPyConnection, lake: Lake, rows: pl.DataFrame, last_days: Mapping[str, date], limit: int = 3
) -> pl.DataFrame:
    """Add `example_urls` to rows of single jobs, from the last compared day of their cost center; else empty lists."""
    keys = list(HIERARCHY)
    numbered = rows.with_row_index("number")
    examples: dict[int, list[str]] = {}
    if all(name in rows.columns for name in keys):
        days = pl.DataFrame(list(last_days.items()), schema={"cost_center": pl.String, "date": pl.Date}, orient="row")
        jobs = numbered.filter(pl.col("job").is_not_null()).join(days, "cost_center")
        examples = example_runs(connection, lake, jobs.select("number", *keys, "date"), limit)
    urls = [examples.get(number, []) for number in range(rows.height)]
    return rows.with_columns(example_urls=pl.Series(urls, dtype=pl.List(pl.String)))
