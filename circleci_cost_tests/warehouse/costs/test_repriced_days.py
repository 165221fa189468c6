"""Days that a reprice does not read again come to what their job runs come to, and all others are read."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from circleci_cost.defs.costs import Plan
from circleci_cost.errors import ExportDataError
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.warehouse.costs.daily_costs import CostSummary, changed_days, write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost.warehouse.tables.changed_days import ChangedDays
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost_tests.lake.builders import CENTER, EXPORTED, FIRST, ingest, land_rows
from circleci_cost_tests.model.usage.builders import Record, record

DAYS = [FIRST + timedelta(days=number) for number in range(-2, 3)]
HISTORY: Any = {"history_start": DAYS[0], "restatement_days": 4}
NEW = Decimal("0.0007000001")


def attempt(number: int, of: date, **more: str | None) -> list[Record]:
    """A job of each of two workflows; attempts of other days of October are later attempts of the first."""
    return [
        record(
            of.toordinal() % 1000 * 1000 + number * 10 + workflow,
            JOB_RUN_DATE=f"{of}",
            WORKFLOW_ID=f"7c0c4f0e-6b1a-4a56-8f5e-{of.toordinal():08x}{number:02x}{workflow:02x}",
            WORKFLOW_FIRST_JOB_QUEUED_AT=f"{of} 10:{number:02}:00.000",
            WORKFLOW_NAME=("again", f"of {of}")[workflow],
            JOB_BUILD_STATUS="failed",
            **more,
        )
        for workflow in (0, 1)
    ]


def store(lake: Lake, of: date, attempts: int, hours: float, **more: str | None) -> None:
    rows = [row for number in range(attempts) for row in attempt(number, of, **more)]
    land_rows(lake, rows, of, of, hours=hours)
    ingest(lake, [of], hours=hours)


def set_price(lake: Lake, price: Decimal | None) -> None:
    periods = [] if price is None else [PricePeriod(CENTER, DAYS[0], None, price)]
    with TableStore(lake).writing("pricing_periods") as connection:
        write_prices(connection, periods, DAYS[0], DAYS[-1])


def plan(lake: Lake) -> ChangedDays:
    with TableStore(lake).reading() as opened:
        return changed_days(opened.connection, lake, CENTER, DAYS, **HISTORY)


def run(lake: Lake, hours: float, meanwhile: Callable[[], object] = lambda: None, **options: Any) -> CostSummary:
    """Price all days, some hours after they were exported; `meanwhile` between the plan and the work."""

    def find(connection: duckdb.DuckDBPyConnection) -> ChangedDays:
        found = changed_days(connection, lake, CENTER, DAYS, **HISTORY)
        meanwhile()
        return found

    days = Plan(find)
    with TableStore(lake, **options).writing("daily_costs", CENTER, days=days) as connection:
        at = EXPORTED + timedelta(hours=hours)
        return write_daily_costs(connection, lake, CENTER, DAYS, at, planned=days.days, **HISTORY)


def price(lake: Lake, hours: float, **options: Any) -> None:
    """Price all days, and hold the sums against the job runs, as the checks do."""
    summary = run(lake, hours, **options)
    assert summary.credits == summary.job_run_credits
    assert summary.cost_usd == summary.charge_types_cost_usd


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Five days around a month's end, priced."""
    lake = open_lake(tmp_path / "data")
    for of in DAYS:
        store(lake, of, 2, hours=1)
    set_price(lake, Decimal("0.0006"))
    price(lake, hours=2)
    return lake


def tables(lake: Lake) -> dict[str, pl.DataFrame]:
    """The tables without the time of pricing."""
    with TableStore(lake).reading() as opened:
        frames = {
            name: opened.connection.sql(f"FROM {name}").pl()
            for name in ("daily_costs", "usage_days", "dimension_names")
        }
    frames["usage_days"] = frames["usage_days"].drop("costed_at")
    return {name: frame.sort(frame.columns) for name, frame in frames.items()}


def anew(lake: Lake, **options: Any) -> dict[str, pl.DataFrame]:
    """What the tables come to where nothing was computed before."""
    for file in (lake.tables / "daily_costs").rglob("*.*"):
        file.unlink()
    assert plan(lake).repriced == frozenset()
    price(lake, hours=200, **options)
    return tables(lake)


def assert_as_anew(lake: Lake, **options: Any) -> None:
    priced = tables(lake)
    for name, rows in anew(lake, **options).items():
        assert rows.equals(priced[name]), name


def test_days_that_are_asked_for_at_the_price_that_they_have_are_computed_of_their_job_runs(lake: Lake) -> None:
    """Whatever their rows are: it is what repairs them."""
    with TableStore(lake).writing("daily_costs", CENTER) as connection:
        connection.execute("UPDATE daily_costs SET operating_system = 'damaged', superseded_jobs = 0")
    assert plan(lake) == ChangedDays(frozenset(DAYS), anew=frozenset(DAYS))
    price(lake, hours=4)
    assert_as_anew(lake)


@pytest.mark.parametrize("value", [NEW, Decimal(0), None])
def test_another_price_alone_is_given_to_the_rows_and_no_job_runs_are_read(lake: Lake, value: Decimal | None) -> None:
    set_price(lake, value)
    assert plan(lake) == ChangedDays(frozenset(DAYS), repriced=frozenset(DAYS))
    price(lake, hours=4)
    costs = tables(lake)["daily_costs"]
    assert costs["price_per_credit"].unique().to_list() == [value]
    assert costs["cost_usd"].to_list() == [value and credits * value for credits in costs["credits"]]
    assert costs["superseded_jobs"].sum() > 0
    assert_as_anew(lake)


def test_a_day_without_a_price_gets_one(lake: Lake) -> None:
    set_price(lake, None)
    price(lake, hours=4)
    set_price(lake, NEW)
    assert plan(lake).repriced == frozenset(DAYS)
    price(lake, hours=6)
    assert tables(lake)["daily_costs"]["cost_usd"].null_count() == 0
    assert_as_anew(lake)


def test_credits_that_cannot_be_priced_exactly_are_refused_once_their_day_has_a_price(lake: Lake) -> None:
    set_price(lake, None)
    credits = {"COMPUTE_CREDITS": "999999999999", "TOTAL_CREDITS": "999999999999"}
    store(lake, DAYS[1], 11, hours=3, **credits)
    price(lake, hours=4)
    before = tables(lake)
    set_price(lake, NEW)
    assert plan(lake).repriced == frozenset(DAYS)
    with pytest.raises(ExportDataError, match="which cannot be priced exactly; all costs were left as they were"):
        price(lake, hours=6)
    assert tables(lake)["daily_costs"].equals(before["daily_costs"])


def test_a_restated_day_is_read_again_and_so_are_the_runs_that_it_supersedes(lake: Lake) -> None:
    store(lake, DAYS[3], 3, hours=3)
    set_price(lake, NEW)
    assert plan(lake).anew == {DAYS[3]}
    price(lake, hours=4)
    assert_as_anew(lake)


def test_a_day_that_is_restated_after_the_plan_is_read_again(lake: Lake) -> None:
    set_price(lake, NEW)
    price(lake, hours=4, meanwhile=partial(store, lake, DAYS[3], 3, 3.5))
    assert_as_anew(lake)


def test_a_day_whose_job_runs_are_gone_loses_its_costs_and_what_it_superseded(lake: Lake) -> None:
    lake.job_runs_file(CENTER, DAYS[4]).unlink()
    set_price(lake, NEW)
    assert plan(lake).anew == {DAYS[4]}
    price(lake, hours=4)
    assert_as_anew(lake)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE usage_days SET computed_by = 'other rules'",
        "UPDATE usage_days SET computed_by = NULL",
        "UPDATE usage_days SET job_runs_sha256 = NULL",
        "DELETE FROM usage_days",
    ],
)
def test_rows_of_other_rules_or_of_unknown_job_runs_are_computed_again(lake: Lake, change: str) -> None:
    with TableStore(lake).writing("daily_costs", CENTER) as connection:
        connection.execute(f"{change} WHERE date = $day", {"day": DAYS[0]})
    set_price(lake, NEW)
    assert plan(lake).anew == {DAYS[0]}
    price(lake, hours=4)
    assert_as_anew(lake)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ("UPDATE daily_costs SET credits = credits + 1", frozenset(DAYS)),
        ("DELETE FROM daily_costs", frozenset(DAYS[1:])),
    ],
)
def test_rows_that_come_to_other_sums_than_were_noted_are_computed_again(
    lake: Lake, change: str, wanted: frozenset[date]
) -> None:
    with TableStore(lake).writing("daily_costs", CENTER) as connection:
        connection.execute(f"{change} WHERE date = $day", {"day": DAYS[0]})
    set_price(lake, NEW)
    assert plan(lake).repriced == wanted
    price(lake, hours=4)
    assert_as_anew(lake)


def test_a_month_whose_file_is_not_what_was_written_is_computed_again(lake: Lake) -> None:
    (file,) = (lake.tables / "daily_costs").rglob("daily_costs.2026-10.*")
    file.write_bytes(file.read_bytes().replace(b"DuckDB", b"duckDB"))
    set_price(lake, NEW)
    assert plan(lake).anew == {day for day in DAYS if day.month == 10}
    price(lake, hours=4)
    set_price(lake, Decimal("0.0006"))
    assert plan(lake).repriced == frozenset(DAYS)
    price(lake, hours=6)
    assert_as_anew(lake)


@pytest.mark.parametrize("organization", ["acme", None])
def test_repriced_rows_have_the_newest_names_also_where_the_organization_has_none(
    tmp_path: Path, organization: str | None
) -> None:
    lake = open_lake(tmp_path / "data")
    for of in DAYS:
        names = {"PROJECT_NAME": "shop", "ORGANIZATION_NAME": organization}
        store(lake, of, 2, hours=1, LAST_BUILD_FINISHED_AT=f"{of} 12:00:00.000", **names)
    set_price(lake, Decimal("0.0006"))
    price(lake, hours=2)
    names["PROJECT_NAME"] = "storefront"
    store(lake, DAYS[4], 2, hours=3, LAST_BUILD_FINISHED_AT=f"{DAYS[4]} 12:00:00.000", **names)
    set_price(lake, NEW)
    assert plan(lake).anew == {DAYS[4]}
    price(lake, hours=4)
    assert tables(lake)["daily_costs"]["project"].unique().to_list() == ["storefront"]
    assert_as_anew(lake)


def test_repriced_rows_have_the_kinds_of_actors_of_today(lake: Lake) -> None:
    actors = {"schedule_sources": "webhook", "api_sources": "x", "bot_branches": "x", "agent_branches": "main"}
    set_price(lake, NEW)
    assert plan(lake).repriced == frozenset(DAYS)
    price(lake, hours=4, actors=actors)
    assert_as_anew(lake, actors=actors)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE daily_costs SET credits = credits + 1",
        "UPDATE daily_costs SET compute_credits = compute_credits + 1",
        "UPDATE daily_costs SET compute_cost_usd = compute_cost_usd + 1",
        "UPDATE daily_costs SET cost_usd = cost_usd + 1",
        "UPDATE daily_costs SET jobs = jobs + 1",
        "DELETE FROM daily_costs",
    ],
)
def test_costs_that_do_not_add_up_are_computed_again_by_the_next_run(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    execute = duckdb.DuckDBPyConnection.execute

    def damaging(self: duckdb.DuckDBPyConnection, query: Any, *arguments: Any, **options: Any) -> Any:
        result = execute(self, query, *arguments, **options)
        if "INSERT INTO daily_costs" in str(query):
            execute(self, damage)
        return result

    store(lake, DAYS[3], 3, hours=3)
    with monkeypatch.context() as faulty:
        faulty.setattr(duckdb.DuckDBPyConnection, "execute", damaging)
        run(lake, hours=4)
    set_price(lake, NEW)
    assert DAYS[3] in plan(lake).anew
    price(lake, hours=6)
    assert_as_anew(lake)
