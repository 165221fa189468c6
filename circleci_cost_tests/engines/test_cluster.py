"""Sail as a cluster, with workers that exchange what they added up: costs are as DuckDB has them, to the last digit.

With CIRCLECI_COST_LONG=1 also for 400 days of 100,000 job runs: `pytest -s` shows seconds and memory. That takes 4 GB
of disk and some minutes.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from circleci_cost.engines.spark_connect import SparkConnect
from circleci_cost.lake.days import JobRunsDay, read_day, write_day
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.warehouse.costs.daily_costs import CostSummary
from circleci_cost_tests.benchmarks import reprice
from circleci_cost_tests.engines.priced_lake import CENTER, hostile_lake, price, rows, server, warehouse

_LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
_WORKERS = 4
_GENERATED_DAYS, _DAYS, _JOBS_PER_DAY = 20, 400, 100_000


@contextmanager
def cluster() -> Iterator[tuple[str, int | None]]:
    """The address of a server with workers of its own, and its process."""
    if url := os.environ.get("CIRCLECI_COST_SPARK_CONNECT"):
        yield url, None
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    count = {f"SAIL_CLUSTER__WORKER_{most}_COUNT": str(_WORKERS) for most in ("INITIAL", "MAX")}
    environment = {**os.environ, **count, "SAIL_MODE": "local-cluster", "RUST_LOG": "off"}
    command = [sys.executable, "-m", "pysail", "spark", "server", "--port", str(port)]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield f"sc://127.0.0.1:{port}", process.pid
        finally:
            process.kill()


def peak_mb(pid: int | None) -> int:
    """The most memory that a process had, in megabytes; 0 for a server that was there before."""
    if pid is None:
        return 0
    match = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(match[1]) // 1024 if match else 0


def many_job_runs(lake: Lake) -> list[date]:
    """Write days of generated job runs, the same ones over and over, and return all days."""
    reprice.write_lake(lake, _JOBS_PER_DAY, _GENERATED_DAYS)
    generated = lake.job_runs_days(CENTER)
    first = generated[-1] - timedelta(days=_DAYS - 1)
    for day in generated:
        source = read_day(lake, CENTER, day)
        assert source is not None
        frame = source.rows.select(pl.all().exclude("cost_center")).cast({pl.Categorical: pl.String})
        for number in range(0, (day - first).days + 1, _GENERATED_DAYS):
            copied = day - timedelta(days=number)
            dated = frame.with_columns(job_run_date=pl.lit(copied))
            write_day(lake, JobRunsDay(CENTER, copied, dated, source.exports))
    return lake.job_runs_days(CENTER)


def timed(
    connection: duckdb.DuckDBPyConnection, lake: Lake, days: list[date], engine: SparkConnect | None = None
) -> tuple[CostSummary, float]:
    started = time.perf_counter()
    return price(connection, lake, days, engine), time.perf_counter() - started


def test_a_cluster_prices_as_duckdb_does(tmp_path: Path) -> None:
    lake, days = hostile_lake(tmp_path)
    with warehouse(days, days[:-1]) as connection, cluster() as (url, _), server(url, lake, patience=20) as engine:
        by_duckdb = price(connection, lake, days)
        expected = rows(connection)
        assert price(connection, lake, days, engine) == by_duckdb
        assert rows(connection) == expected


@pytest.mark.skipif(not _LONG, reason="takes minutes, and 4 GB of disk")
def test_a_cluster_prices_40_million_job_runs_as_duckdb_does(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "data")
    days = many_job_runs(lake)
    with warehouse(days, days) as connection, cluster() as (url, pid):
        connection.execute("SET memory_limit = '3GB'")
        by_duckdb, seconds = timed(connection, lake, days)
        connection.execute("CREATE TABLE expected AS FROM daily_costs")
        with server(url, lake, seconds=900, patience=20) as engine:
            by_cluster, cluster_seconds = timed(connection, lake, days, engine)
        print(
            f"\n{by_duckdb.jobs:,} job runs, {by_duckdb.rows:,} cost rows: DuckDB {seconds:.0f} s, "
            f"{url} {cluster_seconds:.0f} s, server's peak {peak_mb(pid):,} MB"
        )
        assert by_cluster == by_duckdb
        for left, right in (("expected", "daily_costs"), ("daily_costs", "expected")):
            assert connection.execute(f"FROM {left} EXCEPT ALL FROM {right} LIMIT 1").fetchall() == []
