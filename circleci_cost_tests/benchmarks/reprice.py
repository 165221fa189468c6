"""Repricing 13 months of one cost center: the work of the daily_costs step against the bare aggregation.

    python -m circleci_cost_tests.benchmarks reprice [--jobs-per-day N] [--lake DIR]

The first time, the step adds up all job runs, prices them, names them and writes them to new files; at another price
after that, it gives their rows the new price, counts the job runs' credits and writes all files anew.
The bare aggregation is the same GROUP BY in DuckDB without writing. Both run in processes of their own.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from circleci_cost.assets import DAILY_COSTS, PRICING_PERIODS
from circleci_cost.days import days_between
from circleci_cost.defs.costs import Plan
from circleci_cost.lake.days import JobRunsDay, write_day
from circleci_cost.lake.job_run_files import JOB_RUN_FILES
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.model.usage.schema import CREDITS, FILE_SCHEMA, JOB_RUN_ORDER
from circleci_cost.simulator import demo_scenario, generate
from circleci_cost.warehouse.costs.daily_costs import changed_days, write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost.warehouse.tables.sessions import TableStore

LAST = date(2026, 11, 21)
FIRST = LAST - timedelta(days=394)
DAYS = len(days_between(FIRST, LAST))
MEMORY_LIMIT = "3GB"
COST_CENTER = "acme"
AGGREGATION = f"""
SELECT count(*), sum(credits) FROM (
    SELECT sum(total_credits) AS credits
    FROM {JOB_RUN_FILES}
    GROUP BY job_run_date, cost_center, organization_id, project_id, workflow_name, job_name, vcs_branch,
        resource_class, executor, operating_system, parallelism, pipeline_trigger_source, job_build_status,
        is_unregistered_user
)
"""


def write_lake(lake: Lake, jobs_per_day: int, days: int = 395) -> None:
    """Write generated job runs of the last days, a file a day; by default 13 months."""
    scenario = demo_scenario(LAST).with_jobs_per_day(jobs_per_day)
    organizations = [organization.id for organization in scenario.organizations]
    as_of = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
    for day in days_between(LAST - timedelta(days=days - 1), LAST):
        exported = pl.concat(generate(scenario, organizations, day, day, as_of))
        rows = exported.rename(str.lower).with_columns(
            other_credits=pl.lit(0, dtype=CREDITS),
            export_id=pl.lit("benchmark"),
            ingested_at=pl.lit(as_of),
        )
        rows = rows.select(pl.col(name).cast(dtype) for name, dtype in FILE_SCHEMA.items())
        write_day(lake, JobRunsDay(COST_CENTER, day, rows.sort(JOB_RUN_ORDER, nulls_last=True), {"benchmark": as_of}))


def step(root: Path) -> dict[str, float]:
    """Price everything, and price it again at another price, as the step does it."""
    lake = open_lake(root)
    shutil.rmtree(lake.tables, ignore_errors=True)
    store = TableStore(lake, config={"memory_limit": MEMORY_LIMIT})
    asked: Any = {"cost_center": COST_CENTER, "days": days_between(FIRST, LAST), "lake": lake}
    asked |= {"history_start": FIRST, "restatement_days": 4}
    seconds = []
    for price in ("0.0006", "0.00055"):
        with store.writing(PRICING_PERIODS.name) as connection:
            write_prices(connection, [PricePeriod(COST_CENTER, FIRST, None, Decimal(price))], FIRST, LAST)
        started = time.perf_counter()
        plan = Plan(partial(changed_days, **asked))
        with store.writing(DAILY_COSTS.name, COST_CENTER, days=plan) as connection:
            summary = write_daily_costs(connection, at=datetime.now(UTC), planned=plan.days, **asked)
        seconds.append(time.perf_counter() - started)
    return {"jobs": summary.jobs, "cost_rows": summary.rows, "seconds": seconds[-1], "first": seconds[0]}


def aggregation(root: Path) -> dict[str, float]:
    """Add the same job runs up without writing anything."""
    lake = open_lake(root)
    files = [str(lake.job_runs_file(COST_CENTER, day)) for day in days_between(FIRST, LAST)]
    with duckdb.connect(config={"memory_limit": MEMORY_LIMIT}) as connection:
        started = time.perf_counter()
        connection.execute(AGGREGATION, {"files": files}).fetchall()
        return {"seconds": time.perf_counter() - started}


def measured(name: str, root: Path) -> dict[str, float]:
    """Measure the step or the bare aggregation in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "circleci_cost_tests.benchmarks",
        "reprice",
        "--measure",
        name,
        "--lake",
        str(root),
    ]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))


def main(argv: list[str]) -> None:
    """Print seconds, ratio and peak memory."""
    parser = argparse.ArgumentParser(prog="reprice", description=__doc__)
    parser.add_argument("--jobs-per-day", type=int, default=10_000, help="100000 for 39 million job runs")
    parser.add_argument("--lake", type=Path, help="a folder to keep the generated lake in, or to find it in")
    parser.add_argument("--measure", choices=("step", "aggregation"), help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.measure:
        figures = {"step": step, "aggregation": aggregation}[asked.measure](asked.lake)
        figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps(figures))
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = asked.lake or Path(temporary)
        lake = open_lake(root)
        if not lake.job_runs_days(COST_CENTER):
            write_lake(lake, asked.jobs_per_day)
        whole, bare = measured("step", root), measured("aggregation", root)
    print(f"{whole['jobs']:,} job runs over {DAYS} days, {whole['cost_rows']:,} cost rows")
    print(f"{'':24}{'seconds':>10}{'ratio':>8}{'peak MB':>10}")
    print(f"{'aggregation alone':24}{bare['seconds']:>10.1f}{1:>8.1f}{bare['peak_mb']:>10.0f}")
    for label, key in (("daily_costs, first time", "first"), ("daily_costs, repriced", "seconds")):
        ratio = whole[key] / bare["seconds"]
        print(f"{label:24}{whole[key]:>10.1f}{ratio:>8.1f}{whole['peak_mb']:>10.0f}")
