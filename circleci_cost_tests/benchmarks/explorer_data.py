"""A copy of a finished demo with millions of daily costs, published as any generation is: the explorer's large company.

    python -m circleci_cost_tests.benchmarks explorer_data DEMO COPY [--rows N]

DEMO is a folder in which `circleci-cost demo` has finished, COPY a folder that does not exist yet; `circleci-cost`
works in it as in the demo. The demo's company is repeated: each repetition has projects, workflows, jobs and branches
of its own (`web-app`, `web-app-2`, …), so that groups grow with the rows, in the same organizations, teams and days.
Every sum is exactly the demo's times the number of repetitions; `allocated_costs` and `usage_days` grow with the
costs. Job runs, budgets, forecasts, anomalies and correlations stay the demo's. With 10 million rows: 123
repetitions and 1,845 projects.
"""

import argparse
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from circleci_cost.config.demo import DATA_DIRECTORY
from circleci_cost.lake.days import read_restatements
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.warehouse.core.statements import one_row
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost.warehouse.publishing.generations import TABLES, Generation, current_generation
from circleci_cost.warehouse.tables.manifests import take_snapshot
from circleci_cost.warehouse.tables.schemas import warehouse_tables
from circleci_cost.warehouse.tables.views import make_view
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

ROWS = 1_000_000
MEMORY_LIMIT = "3GB"
MONTHS = "SELECT DISTINCT date_trunc('month', date) AS month FROM demo.daily_costs ORDER BY month"
# A month at a time: to sort all rows at once would spill many gigabytes. Days follow each other within a cost center,
# as the pipeline writes them; within a day repetitions are mixed, so that no row compresses against its own copy.
REPEATED = """
INSERT INTO {table} BY NAME
SELECT * EXCLUDE (repetition, ending) REPLACE (
    project_id || ending AS project_id,
    project || ending AS project,
    workflow || ending AS workflow,
    job || ending AS job,
    CASE WHEN branch IN ('main', 'master') THEN branch ELSE branch || ending END AS branch{more}
)
FROM (
    SELECT *, CASE WHEN repetition = 1 THEN '' ELSE '-' || repetition END AS ending
    FROM demo.{table}, range(1, $repetitions + 1) AS repetitions (repetition)
    WHERE date_trunc('month', date) = $month
)
ORDER BY cost_center, date, hash(repetition, project_id, workflow, job, branch)
"""
# The numbers of a repetition's rows follow those of the one before.
SOURCE_ROWS = (
    ",\n    source_row + (repetition - 1) * (1 + (SELECT max(source_row) FROM demo.allocated_costs)) AS source_row"
)
USAGE_DAYS = """
UPDATE usage_days SET jobs = jobs * $repetitions, runs = runs * $repetitions, credits = credits * $repetitions
"""
SUMS = "SELECT count(*), sum(cost_usd), sum(credits), sum(jobs), count(DISTINCT project_id) FROM {table}"


def repetitions_for(connection: duckdb.DuckDBPyConnection, rows: int) -> int:
    """How often the demo has to be repeated to have at least that many daily costs."""
    (demo_rows,) = one_row(connection, "SELECT count(*) FROM daily_costs")
    return -(-rows // int(demo_rows))


def copy_demo(demo: Path, copy: Path, rows: int) -> Generation:
    """Make the copy and publish it; the demo is only read."""
    shutil.copytree(demo, copy, ignore=lambda folder, _: ["published"] if Path(folder).name == DATA_DIRECTORY else [])
    lake = open_lake(copy / DATA_DIRECTORY)
    with tables_to_publish(lake) as connection:
        connection.execute(f"SET memory_limit = '{MEMORY_LIMIT}'")
        repetitions = repetitions_for(connection, rows)
        with _timed(f"daily costs and allocated costs, {repetitions} times the demo's"):
            _repeat(connection, open_lake(demo / DATA_DIRECTORY), repetitions)
        with _timed("published"):
            generation = publish_tables(connection, lake, read_restatements(lake, ()), datetime.now(UTC))
    return generation


def _repeat(connection: duckdb.DuckDBPyConnection, demo: Lake, repetitions: int) -> None:
    connection.execute("CREATE SCHEMA demo")
    snapshot = take_snapshot(demo)
    for table in warehouse_tables():
        make_view(connection, demo.root, table, snapshot.of(table), "demo")
    months = [month for (month,) in connection.execute(MONTHS).fetchall()]
    with transaction(connection):
        for table, more in {"daily_costs": "", "allocated_costs": SOURCE_ROWS}.items():
            connection.execute(f"DELETE FROM {table}")
            for month in months:
                values = {"repetitions": repetitions, "month": month}
                connection.execute(REPEATED.format(table=table, more=more), values)
        connection.execute(USAGE_DAYS, {"repetitions": repetitions})
    _prove(connection, repetitions)
    connection.execute("DROP SCHEMA demo CASCADE")


def _prove(connection: duckdb.DuckDBPyConnection, repetitions: int) -> None:
    """Stop where a sum is not exactly the demo's times the repetitions."""
    for table in ("daily_costs", "allocated_costs"):
        sums = one_row(connection, SUMS.format(table=table))
        wanted = tuple(value * repetitions for value in one_row(connection, SUMS.format(table=f"demo.{table}")))
        if sums != wanted:
            raise SystemExit(f"{table} adds up to {sums}, not to {wanted}")


@contextmanager
def _timed(what: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    print(f"{time.perf_counter() - started:7.1f} s  {what}")


def describe(folder: Path) -> None:
    """Print how much the copy holds."""
    generation = current_generation(open_lake(folder / DATA_DIRECTORY))
    with generation.connect() as connection:
        counted = "count(DISTINCT project_id), count(DISTINCT job), count(DISTINCT branch)"
        projects, jobs, branches = one_row(connection, f"SELECT {counted} FROM daily_costs")
    rows = generation.manifest.rows
    parquet = sum(path.stat().st_size for table in TABLES for path in generation.parquet(table))
    print(
        f"{rows['daily_costs']:,} daily costs, {rows['allocated_costs']:,} allocated costs, {generation.manifest.days}"
    )
    print(f"{projects:,} projects, {jobs:,} jobs, {branches:,} branches, ${generation.manifest.cost_usd:,.2f}")
    print(f"{parquet / 1e6:,.0f} MB in Parquet")


def main(argv: list[str]) -> None:
    """Make the copy; print seconds, rows and sizes."""
    parser = argparse.ArgumentParser(prog="explorer_data", description=__doc__)
    parser.add_argument("demo", type=Path, help="a folder in which `circleci-cost demo` has finished")
    parser.add_argument("copy", type=Path, help="the folder to make")
    parser.add_argument("--rows", type=int, default=ROWS, help="daily costs, at least")
    asked = parser.parse_args(argv)
    copy_demo(asked.demo, asked.copy, asked.rows)
    describe(asked.copy)
