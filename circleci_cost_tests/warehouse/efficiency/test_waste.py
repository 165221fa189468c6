"""Waste: one hand-made case of each cause, their order, and the evidence about Docker layer caching."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from circleci_cost.config.settings import read_settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import UsageError
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.efficiency.waste import CAUSES, DLC_RUNS
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.warehouse.core.actors import use_actors
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.costs.current_names import rename
from circleci_cost.warehouse.costs.daily_costs import write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost.warehouse.derived import Derivation
from circleci_cost.warehouse.efficiency.waste import WasteSummary, write_waste
from circleci_cost.warehouse.efficiency.waste_report import waste_filters, waste_groups, waste_report
from circleci_cost_tests.config.test_settings import VALID, write
from circleci_cost_tests.lake.builders import CENTER, EXPORTED, FIRST, ingest, land_rows
from circleci_cost_tests.model.usage.builders import Record, record
from circleci_cost_tests.warehouse.costs.test_daily_costs import PRICE

DAY = DayRange(FIRST, FIRST)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "data")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        write_prices(opened, [PricePeriod(CENTER, FIRST, None, PRICE)], FIRST, FIRST)
        yield opened


def run(number: int, **changes: str | None) -> Record:
    """A run of its own pipeline: 42 credits, two of which are storage."""
    return record(number, **{"PIPELINE_ID": f"5f0c4f0e-6b1a-4a56-8f5e-{number:012x}"} | changes)


def add_up(connection: duckdb.DuckDBPyConnection, lake: Lake, rows: list[Record]) -> WasteSummary:
    land_rows(lake, rows)
    ingest(lake)
    write_daily_costs(connection, lake, CENTER, [FIRST], EXPORTED, history_start=FIRST, restatement_days=4)
    summary = write_waste(connection, lake, [CENTER])
    assert summary.beyond_cost == 0
    return summary


def credits(summary: WasteSummary) -> dict[str, int]:
    return {each.cause: int(each.credits) for each in summary.causes}


NO_USER = {"IS_UNREGISTERED_USER": "true", "PIPELINE_TRIGGER_USER_ID": None}
AGAIN = {"PIPELINE_ID": "5f0c4f0e-6b1a-4a56-8f5e-0000000000ff"}
CASES = {
    "canceled": [run(1, JOB_BUILD_STATUS="canceled", VCS_BRANCH="renovate/x")],
    "timed_out": [run(2, JOB_BUILD_STATUS="timedout")],
    "failed": [run(3, JOB_BUILD_STATUS="failed", **NO_USER)],
    "bot": [run(4, VCS_BRANCH="dependabot/pip/x", **NO_USER)],
    "unregistered": [run(5, **NO_USER)],
    "rerun": [
        run(6, JOB_BUILD_STATUS="canceled", WORKFLOW_ID="7c0c4f0e-6b1a-4a56-8f5e-0e6d6f9f1c01", **AGAIN),
        run(7, WORKFLOW_FIRST_JOB_QUEUED_AT="2026-10-01 11:00:00.000", **AGAIN),
    ],
}
NOT_WASTE = [
    run(20),
    run(21, PIPELINE_TRIGGER_SOURCE="schedule", **NO_USER),
    run(22, PIPELINE_TRIGGER_SOURCE="api"),
    run(23, VCS_BRANCH="copilot/x"),
    run(24, JOB_BUILD_STATUS="failed", **dict.fromkeys(("COMPUTE_CREDITS", "STORAGE_CREDITS", "TOTAL_CREDITS"), "0")),
    run(25, DLC_CREDITS="200", TOTAL_CREDITS="242"),
]


@pytest.mark.parametrize("cause", CASES)
def test_each_cause_has_its_run_and_no_other_cause_has_it(
    lake: Lake, connection: duckdb.DuckDBPyConnection, cause: str
) -> None:
    assert credits(add_up(connection, lake, CASES[cause])) == {cause: 40}


def test_all_causes_together_are_exclusive_and_a_part_of_the_cost_to_the_last_digit(
    lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    summary = add_up(connection, lake, [row for rows in CASES.values() for row in rows] + NOT_WASTE)
    assert credits(summary) == dict.fromkeys(CASES, 40)
    assert summary.wasted_usd == 6 * 40 * PRICE
    assert {each.cause: each.runs for each in summary.causes} == dict.fromkeys(CASES, 1) | {"failed": 2}
    assert set(CASES) | {"dlc"} == {cause.name for cause in CAUSES}


def test_a_rerun_takes_its_part_of_a_cost_and_leaves_the_rest_to_the_cause_of_its_status(
    lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    """Two failed runs share a row of daily costs; one of them was run again."""
    former = run(1, JOB_BUILD_STATUS="failed", WORKFLOW_ID="7c0c4f0e-6b1a-4a56-8f5e-0e6d6f9f1c01", **AGAIN)
    later = run(2, WORKFLOW_FIRST_JOB_QUEUED_AT="2026-10-01 11:00:00.000", **AGAIN)
    summary = add_up(connection, lake, [former, later, run(3, JOB_BUILD_STATUS="failed")])
    assert {each.cause: (int(each.credits), each.runs) for each in summary.causes} == {
        "failed": (40, 1),
        "rerun": (40, 1),
    }


@pytest.mark.parametrize(
    "correction",
    [
        {"COMPUTE_CREDITS": "-30", "TOTAL_CREDITS": "-28"},
        {"COMPUTE_CREDITS": "0", "USER_CREDITS": "-30", "TOTAL_CREDITS": "-28"},
        {"COMPUTE_CREDITS": "-30", "TOTAL_CREDITS": "-28", "JOB_BUILD_STATUS": "failed"},
    ],
)
def test_a_correction_beside_wasted_runs_stops_no_publication(
    lake: Lake, connection: duckdb.DuckDBPyConnection, correction: dict[str, str]
) -> None:
    """Less is left of the job's day than was wasted on it; `add_up` sees that the blocking check passes."""
    former = run(1, JOB_BUILD_STATUS="failed", WORKFLOW_ID="7c0c4f0e-6b1a-4a56-8f5e-0e6d6f9f1c01", **AGAIN)
    later = run(2, WORKFLOW_FIRST_JOB_QUEUED_AT="2026-10-01 11:00:00.000", **AGAIN)
    assert credits(add_up(connection, lake, [former, later, run(3, **correction), run(4, **correction)]))["rerun"] == 40


def test_more_waste_than_usage_is_seen(lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    add_up(connection, lake, CASES["failed"])
    for column in ("jobs", "run_seconds", "credits"):
        connection.execute("BEGIN")
        connection.execute(f"UPDATE waste SET {column} = {column} + 1")
        assert one_row(connection, sql("efficiency/waste_beyond_cost")) == (1,)
        connection.execute("ROLLBACK")


def cached(number: int, *, seconds: int, fee: int) -> Record:
    return run(number, JOB_RUN_SECONDS=f"{seconds}", DLC_CREDITS=f"{fee}", TOTAL_CREDITS=f"{42 + fee}")


@pytest.mark.parametrize(
    ("with_fee", "without", "runs", "wasted"),
    [(240, 240, DLC_RUNS, {"dlc": 200 * DLC_RUNS}), (200, 240, DLC_RUNS, {}), (300, 240, DLC_RUNS - 1, {})],
    ids=["no shorter with it", "shorter with it", "too few runs"],
)
def test_caching_is_waste_only_where_enough_runs_show_that_it_saves_no_time(
    lake: Lake, connection: duckdb.DuckDBPyConnection, *, with_fee: int, without: int, runs: int, wasted: dict[str, int]
) -> None:
    rows = [cached(number, seconds=with_fee, fee=200) for number in range(1, runs + 1)]
    rows += [cached(number, seconds=without, fee=0) for number in range(101, 101 + DLC_RUNS)]
    summary = add_up(connection, lake, rows)
    assert credits(summary) == wasted
    assert (summary.jobs_with_caching, summary.jobs_judged) == (1, int(runs == DLC_RUNS))
    evidence = "SELECT runs_with, runs_without, median_seconds_with, median_seconds_without FROM dlc_evidence"
    assert connection.execute(evidence).fetchall() == [(runs, DLC_RUNS, with_fee, without)]


def test_a_new_price_and_new_patterns_reach_the_waste(tmp_path: Path) -> None:
    settings = read_settings(write(tmp_path, f"{VALID}\n[actors]\nbot_branches = []\n"))
    lake = open_lake(tmp_path / "data")
    with duckdb.connect() as connection:
        write_prices(connection, [PricePeriod(CENTER, FIRST, None, PRICE)], FIRST, FIRST)
        add_up(connection, lake, CASES["bot"] + CASES["failed"])
        write_prices(connection, [PricePeriod(CENTER, FIRST, None, Decimal("0.001"))], FIRST, FIRST)
        write_daily_costs(connection, lake, CENTER, [FIRST], EXPORTED, history_start=FIRST, restatement_days=4)
        use_actors(connection, settings.actors.patterns)
        rename(connection, connection.sql("FROM dimension_names").pl())
        summary = Derivation(settings, lake).add_up_waste(connection)
    assert {each.cause: each.cost_usd for each in summary.causes} == {
        "failed": Decimal("0.04"),
        "unregistered": Decimal("0.04"),
    }


def test_a_report_groups_by_any_names_beside_the_cost_of_the_group(
    lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    add_up(connection, lake, CASES["failed"] + CASES["canceled"] + NOT_WASTE)
    by_cause = waste_report(connection, DAY, waste_groups([]))
    assert [(row.names, int(row.credits), int(row.whole_credits)) for row in by_cause.rows] == [
        (("canceled",), 40, 494),
        (("failed",), 40, 494),
    ]
    assert by_cause.total is not None
    assert (by_cause.total.credits, by_cause.total.cost) == (Decimal(80), 80 * PRICE)
    by_job = waste_report(connection, DAY, waste_groups(["job,month"]), waste_filters(connection, ["cause=failed"]))
    assert [(row.names, int(row.credits)) for row in by_job.rows] == [(("test", "2026-10"), 40)]
    none = waste_report(connection, DayRange(date(2026, 9, 1), date(2026, 9, 30)), ["project"])
    assert (none.rows, none.total) == ((), None)


def test_names_that_waste_does_not_have_are_refused(lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    add_up(connection, lake, CASES["failed"])
    with pytest.raises(UsageError, match="Waste is not grouped by 'branch'"):
        waste_groups(["branch"])
    with pytest.raises(UsageError, match="Waste has no branch"):
        waste_filters(connection, ["branch=main"])
    with pytest.raises(UsageError, match=r"There is no cause 'fialed'; did you mean 'failed'\?"):
        waste_filters(connection, ["cause=fialed"])
