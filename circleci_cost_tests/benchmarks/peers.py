"""One more day of a 13 months' history: the daily steps against scripts that read all export files again.

    python -m circleci_cost_tests.benchmarks peers [--jobs-per-day N] [--pairs N]

A plain script keeps no state: each day it reads every part again, adds up and prices. Polars' counts in floats and
takes duplicates for jobs, as scripts do; DuckDB's counts in decimals, each job once. Beside them stand this project's
own work: from nothing, and of the newest days alone, which CircleCI has restated. Each runs in a process of its own;
the sums of all that count exactly must be equal. Nobody downloads, allocates or publishes anything here.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from circleci_cost.assets import DAILY_COSTS, PRICING_PERIODS
from circleci_cost.days import days_between
from circleci_cost.lake.ingest import ingest_days
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.simulator import ACME_ID
from circleci_cost.warehouse.costs.daily_costs import changed_days, write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost_tests.benchmarks.ingest import NOW, land_export

JOBS_PER_DAY = 2_000
PAIRS = 3
LAST = date(2026, 11, 21)
FIRST = LAST - timedelta(days=394)
# What CircleCI may restate: fetched again each day.
NEWEST = LAST - timedelta(days=4)
PRICE = Decimal("0.0006")
COST_CENTER = "acme"
_WINDOW_DAYS = 31
_PARTS = 3
_DIMENSIONS = ["JOB_RUN_DATE", "ORGANIZATION_ID", "PROJECT_NAME", "WORKFLOW_NAME", "JOB_NAME", "RESOURCE_CLASS"]


def main(argv: list[str]) -> None:
    """Print seconds and ratios, or measure one side as a child."""
    parser = argparse.ArgumentParser(prog="peers", description=__doc__)
    parser.add_argument("--jobs-per-day", type=int, default=JOBS_PER_DAY)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    if asked.child:
        _child(asked.child[0], Path(asked.child[1]))
    else:
        run(asked.jobs_per_day, asked.pairs)


def run(jobs_per_day: int, rounds: int) -> None:
    """Print a row for each way: median seconds, CPU seconds, peak memory, and its ratio to the daily steps."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        _land(open_lake(root), jobs_per_day)
        _measure("from nothing", root)
        measured = {name: [_measure(name, root) for _ in range(rounds)] for name in WAYS}
    exact = {name: {Decimal(figures["cost"]) for figures in measured[name]} for name in WAYS if name != "polars script"}
    if len(set().union(*exact.values())) != 1:
        sys.exit(f"The sums differ: {exact}")
    ours = {key: _median(measured["newest days"], key) for key in ("seconds", "cpu")}
    print(f"{measured['duckdb script'][0]['jobs']:,} job runs of 13 months, {rounds} rounds; medians")
    print(f"{'':16}{'seconds':>10}{'ratio':>8}{'CPU s':>10}{'ratio':>8}{'peak MB':>10}")
    for name, figures in measured.items():
        seconds, cpu, peak = (_median(figures, key) for key in ("seconds", "cpu", "peak"))
        ratios = seconds / ours["seconds"], cpu / ours["cpu"]
        print(f"{name:16}{seconds:>10.2f}{ratios[0]:>8.1f}{cpu:>10.2f}{ratios[1]:>8.1f}{peak:>10.0f}")


def _median(figures: list[dict[str, Any]], key: str) -> float:
    return float(statistics.median(each[key] for each in figures))


def _land(lake: Lake, jobs_per_day: int) -> None:
    """Land the exports of 13 months in windows, and one of the newest days, made later."""
    first = FIRST
    while first <= LAST:
        last = min(first + timedelta(days=_WINDOW_DAYS - 1), LAST)
        land_export(lake, first, last, NOW - timedelta(days=1), jobs_per_day=jobs_per_day, parts=_PARTS)
        first = last + timedelta(days=1)
    land_export(lake, NEWEST, LAST, NOW, jobs_per_day=jobs_per_day, parts=_PARTS)


def _measure(way: str, root: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "circleci_cost_tests.benchmarks", "peers", "--child", way, str(root)]
    return dict(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))


def _child(way: str, root: Path) -> None:
    lake = open_lake(root)
    if way == "from nothing":
        for folder in (lake.tables, lake.root / "job_runs", lake.restatements(COST_CENTER)):
            shutil.rmtree(folder, ignore_errors=True)
    before, started = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    jobs, cost = WAYS[way](lake)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss / 1024
    print(json.dumps({"jobs": jobs, "cost": f"{cost:f}", "seconds": seconds, "cpu": cpu, "peak": peak}))


def _parts(lake: Lake) -> list[str]:
    """All parts of all exports: the newest days are in two of them."""
    return [str(path) for path in sorted(lake.exports(COST_CENTER).glob("*/part-*.csv.gz"))]


def _polars(lake: Lake) -> tuple[int, Decimal]:
    rows = pl.concat([pl.read_csv(path, null_values=["\\N"], infer_schema_length=10_000) for path in _parts(lake)])
    costs = rows.group_by(_DIMENSIONS).agg(pl.len().alias("jobs"), pl.col("TOTAL_CREDITS").cast(pl.Float64).sum())
    costs = costs.with_columns(cost=pl.col("TOTAL_CREDITS") * float(PRICE))
    costs.write_parquet(lake.root / "script.parquet")
    return int(costs["jobs"].sum()), Decimal(str(costs["cost"].sum()))


def _duckdb(lake: Lake) -> tuple[int, Decimal]:
    dimensions = ", ".join(_DIMENSIONS)
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(
            f"CREATE TABLE costs AS SELECT {dimensions}, count(*) AS jobs, sum(credits) AS credits, "
            f"sum(credits) * {PRICE}::DECIMAL(18, 10) AS cost FROM (SELECT DISTINCT ON (JOB_ID) {dimensions}, "
            "TOTAL_CREDITS::DECIMAL(19, 6) AS credits FROM read_csv($parts, header = true, all_varchar = true, "
            r"nullstr = '\N')) GROUP BY ALL",
            {"parts": _parts(lake)},
        )
        connection.execute(f"COPY costs TO '{lake.root / 'script.parquet'}' (FORMAT parquet, COMPRESSION zstd)")
        ((jobs, cost),) = connection.execute("SELECT sum(jobs), sum(cost) FROM costs").fetchall()
    return int(jobs), cost


def _ours(first: date, lake: Lake) -> tuple[int, Decimal]:
    """Read the exports of the days from `first` on and price them; the sums are those of all days."""
    days = days_between(first, LAST)
    ingest_days(lake, COST_CENTER, [ACME_ID], days, ingested_at=datetime.now(UTC))
    store = TableStore(lake)
    asked: Any = {"cost_center": COST_CENTER, "days": days, "lake": lake}
    asked |= {"history_start": FIRST, "restatement_days": 4}
    with store.writing(PRICING_PERIODS.name) as connection:
        write_prices(connection, [PricePeriod(COST_CENTER, FIRST, None, PRICE)], FIRST, LAST)
    with store.writing(DAILY_COSTS.name, COST_CENTER, days=partial(changed_days, **asked)) as connection:
        write_daily_costs(connection, at=datetime.now(UTC), **asked)
    with store.reading() as opened:
        query = "SELECT sum(jobs), sum(cost_usd) FROM daily_costs"
        ((jobs, cost),) = opened.connection.execute(query).fetchall()
    return int(jobs), cost


WAYS: dict[str, Callable[[Lake], tuple[int, Decimal]]] = {
    "newest days": partial(_ours, NEWEST),
    "from nothing": partial(_ours, FIRST),
    "polars script": _polars,
    "duckdb script": _duckdb,
}
