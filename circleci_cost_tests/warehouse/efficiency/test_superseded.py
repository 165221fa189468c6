"""Superseded runs: chains of re-runs, re-runs from failed jobs on, and attempts on other days than their re-runs."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.efficiency.waste import RERUN_DAYS
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.costs.daily_costs import write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost_tests.lake.builders import CENTER, EXPORTED, FIRST, day, ingest, land_rows
from circleci_cost_tests.model.usage.builders import Record, record
from circleci_cost_tests.warehouse.costs.test_daily_costs import PRICE


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "data")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        write_prices(opened, [PricePeriod(CENTER, FIRST, None, PRICE)], FIRST, day(31))
        yield opened


def attempt(number: int, begins: int, **jobs: str) -> list[Record]:
    """One attempt of the workflow, on a day of October: the status of each of its jobs, 42 credits each."""
    return [
        record(
            number * 100 + place,
            WORKFLOW_ID=f"7c0c4f0e-6b1a-4a56-8f5e-{number:012x}",
            WORKFLOW_FIRST_JOB_QUEUED_AT=f"2026-10-{begins:02} 10:{number:02}:00.000",
            JOB_NAME=name,
            JOB_RUN_DATE=f"{day(begins)}",
            JOB_BUILD_STATUS=status,
        )
        for place, (name, status) in enumerate(jobs.items())
    ]


def land(lake: Lake, *attempts: list[Record], last: int = 1) -> None:
    land_rows(lake, [row for each in attempts for row in each], FIRST, day(last))
    ingest(lake, [day(number) for number in range(1, last + 1)])


def cost(connection: duckdb.DuckDBPyConnection, lake: Lake, *days: date) -> None:
    write_daily_costs(connection, lake, CENTER, days, EXPORTED, history_start=FIRST, restatement_days=4)


def superseded(connection: duckdb.DuckDBPyConnection) -> dict[tuple[date, str, str], int]:
    """The superseded jobs of each day, job and status, where there are any."""
    query = "SELECT date, job, build_status, superseded_jobs FROM daily_costs WHERE superseded_jobs <> 0"
    return {(row[0], row[1], row[2]): row[3] for row in connection.execute(query).fetchall()}


def test_of_a_chain_of_three_attempts_the_first_two_are_superseded(
    lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    land(
        lake,
        attempt(2, 1, build="success", test="failed"),
        attempt(1, 1, build="success", test="failed"),
        attempt(3, 1, build="success", test="success"),
    )
    cost(connection, lake, FIRST)
    assert superseded(connection) == {(FIRST, "build", "success"): 2, (FIRST, "test", "failed"): 2}
    query = "SELECT superseded_jobs, superseded_runs, superseded_run_seconds, credits_superseded FROM daily_costs"
    # Of 42 credits two are storage, which is booked on some job's row.
    assert (2, 2, 480, 80) in connection.execute(query).fetchall()


def test_a_success_that_a_rerun_from_failed_jobs_takes_over_is_not_superseded(
    lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    land(lake, attempt(1, 1, build="success", test="failed", lint="canceled"), attempt(2, 1, test="success"))
    cost(connection, lake, FIRST)
    assert superseded(connection) == {(FIRST, "test", "failed"): 1, (FIRST, "lint", "canceled"): 1}


def test_other_workflows_and_other_pipelines_are_no_attempts(lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    pipeline: Record = {"PIPELINE_ID": "5f0c4f0e-6b1a-4a56-8f5e-0e6d6f9f1cff"}
    land(
        lake,
        attempt(1, 1, test="failed"),
        [{**row, **pipeline} for row in attempt(2, 1, test="failed")],
        [{**row, "WORKFLOW_NAME": "deploy"} for row in attempt(3, 1, test="failed")],
        [{**row, "PIPELINE_ID": None} for row in attempt(4, 1, test="failed")],
        [{**row, "PIPELINE_ID": None} for row in attempt(5, 1, test="failed")],
    )
    cost(connection, lake, FIRST)
    assert superseded(connection) == {}


@pytest.mark.parametrize(("later", "counts"), [(2, True), (1 + RERUN_DAYS, True), (2 + RERUN_DAYS, False)])
def test_an_attempt_on_a_later_day_supersedes_runs_of_the_days_before_it(
    lake: Lake, connection: duckdb.DuckDBPyConnection, later: int, *, counts: bool
) -> None:
    land(lake, attempt(1, 1, test="failed"), attempt(2, later, test="success"), last=later)
    cost(connection, lake, *(day(number) for number in range(1, later + 1)))
    assert superseded(connection) == ({(FIRST, "test", "failed"): 1} if counts else {})


def test_days_one_by_one_and_in_any_order_give_what_all_days_at_once_give(
    lake: Lake, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(
        lake,
        attempt(1, 1, build="success", test="failed"),
        attempt(2, 3, build="success", test="failed"),
        attempt(3, 8, build="success", test="success"),
        last=8,
    )
    cost(connection, lake, *(day(number) for number in range(1, 9)))
    columns = "date, job, build_status, superseded_jobs, credits_superseded, cost_usd"
    at_once = connection.execute(f"SELECT {columns} FROM daily_costs ORDER BY ALL").fetchall()
    assert superseded(connection) == {
        (FIRST, "build", "success"): 1,
        (FIRST, "test", "failed"): 1,
        (day(3), "build", "success"): 1,
        (day(3), "test", "failed"): 1,
    }
    for number in (8, 1, 3, 2):
        cost(connection, lake, day(number))
    assert connection.execute(f"SELECT {columns} FROM daily_costs ORDER BY ALL").fetchall() == at_once
    # Days too large to be looked at together.
    monkeypatch.setattr("circleci_cost.warehouse.efficiency.superseded._BYTES_AT_ONCE", 1)
    cost(connection, lake, *(day(number) for number in range(1, 9)))
    assert connection.execute(f"SELECT {columns} FROM daily_costs ORDER BY ALL").fetchall() == at_once


def test_a_price_of_another_day_stays_when_its_runs_are_superseded_later(
    lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    """Marking touches no cost: a day at a former price is for `reprice`, which says so."""
    land(lake, attempt(1, 1, test="failed"))
    cost(connection, lake, FIRST)
    connection.execute("UPDATE daily_rates SET price_per_credit = 0.001")
    land_rows(lake, attempt(2, 2, test="success"), day(2), day(2), export_id="export-2", hours=1)
    ingest(lake, [day(2)])
    cost(connection, lake, day(2))
    query = "SELECT superseded_jobs, price_per_credit FROM daily_costs WHERE date = $day"
    assert connection.execute(query, {"day": FIRST}).fetchall() == [(1, PRICE)]


def test_the_rows_that_are_updated_are_not_filtered_by_row_id(
    lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    """DuckDB 2.0.0 pushes them into the scan: some runs then end by a segmentation fault, others with damaged rows."""
    land(lake, attempt(1, 1, build="failed"), attempt(2, 1, build="success"))
    cost(connection, lake, FIRST)
    files = [str(lake.job_runs_file(CENTER, FIRST))]
    parameters = {"files": files, "days": [FIRST], "cost_center": CENTER, "rerun_days": RERUN_DAYS}
    ((_, plan),) = connection.execute(f"EXPLAIN ANALYZE {sql('efficiency/superseded')}", parameters).fetchall()
    assert "daily_row" in plan
    assert "PRF(daily_row)" not in plan
