"""What another run stores while days are being priced is neither counted twice nor lost."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from circleci_cost.defs.costs import Plan
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.warehouse.costs.daily_costs import changed_days, write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost.warehouse.tables.changed_days import ChangedDays
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost_tests.lake.builders import CENTER, EXPORTED, FIRST, ingest, land_rows
from circleci_cost_tests.model.usage.builders import Record, record

BEFORE = FIRST - timedelta(days=10)
HISTORY: Any = {"history_start": BEFORE, "restatement_days": 4}


def job(number: int, of: date) -> Record:
    return record(number, JOB_RUN_DATE=f"{of}")


def store(lake: Lake, of: date, jobs: int, hours: float) -> None:
    land_rows(lake, [job(of.day * 100 + number, of) for number in range(jobs)], of, of, hours=hours)
    ingest(lake, [of], hours=hours)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Days of job runs on both sides of a month's end, too far apart for re-runs, both with costs."""
    lake = open_lake(tmp_path / "data")
    for of in (BEFORE, FIRST):
        store(lake, of, 1, hours=1)
    with TableStore(lake).writing("pricing_periods") as connection:
        write_prices(connection, [PricePeriod(CENTER, BEFORE, None, Decimal("0.0006"))], BEFORE, FIRST)
    price(lake, [BEFORE, FIRST], hours=2)
    return lake


def price(lake: Lake, days: list[date], hours: float, meanwhile: tuple[date, int] | None = None) -> None:
    def find(connection: duckdb.DuckDBPyConnection) -> ChangedDays:
        found = changed_days(connection, lake, CENTER, days, **HISTORY)
        if meanwhile:
            store(lake, *meanwhile, hours=hours - 0.5)
        return found

    plan, at = Plan(find), EXPORTED + timedelta(hours=hours)
    with TableStore(lake).writing("daily_costs", CENTER, days=plan) as connection:
        write_daily_costs(connection, lake, CENTER, days, at, planned=plan.days, **HISTORY)


def jobs(lake: Lake) -> tuple[dict[date, int], dict[date, int]]:
    """The jobs by day, in the costs and in the days that they were added up to."""
    with TableStore(lake).reading() as opened:
        costs, days = (
            dict(opened.connection.execute(f"SELECT date, sum(jobs) FROM {table} GROUP BY date").fetchall())
            for table in ("daily_costs", "usage_days")
        )
    return costs, days


def test_a_day_of_another_month_that_is_restated_meanwhile_is_priced_by_the_next_run(lake: Lake) -> None:
    price(lake, [FIRST], hours=4, meanwhile=(BEFORE, 3))
    assert jobs(lake) == ({BEFORE: 1, FIRST: 1}, {BEFORE: 1, FIRST: 1})
    price(lake, [FIRST], hours=6)
    assert jobs(lake) == ({BEFORE: 3, FIRST: 1}, {BEFORE: 3, FIRST: 1})


def test_a_day_whose_job_runs_were_being_replaced_while_it_was_priced_is_priced_again(lake: Lake) -> None:
    # The reading began before the pricing, and its file took the place of the other one after it.
    store(lake, BEFORE, 3, hours=1.5)
    assert jobs(lake) == ({BEFORE: 1, FIRST: 1}, {BEFORE: 1, FIRST: 1})
    price(lake, [FIRST], hours=4)
    assert jobs(lake) == ({BEFORE: 3, FIRST: 1}, {BEFORE: 3, FIRST: 1})


def test_a_restated_day_is_priced_once(lake: Lake) -> None:
    store(lake, BEFORE, 3, hours=3)
    with TableStore(lake).reading() as opened:
        assert changed_days(opened.connection, lake, CENTER, [FIRST], **HISTORY).anew == {BEFORE, FIRST}
    price(lake, [FIRST], hours=4)
    with TableStore(lake).reading() as opened:
        assert changed_days(opened.connection, lake, CENTER, [FIRST], **HISTORY).anew == {FIRST}


def test_a_restated_day_is_priced_again_by_the_time_where_an_earlier_version_noted_no_checksum(lake: Lake) -> None:
    with TableStore(lake).writing("daily_costs", CENTER) as connection:
        connection.execute("UPDATE usage_days SET job_runs_sha256 = NULL")
    store(lake, BEFORE, 3, hours=3)
    price(lake, [FIRST], hours=4)
    assert jobs(lake) == ({BEFORE: 3, FIRST: 1}, {BEFORE: 3, FIRST: 1})


@pytest.mark.parametrize("harm", [lambda path: path.write_bytes(path.read_bytes()[:-20]), Path.unlink])
def test_a_restated_day_whose_file_is_lost_or_damaged_keeps_its_costs_and_holds_up_no_other(
    lake: Lake, harm: Callable[[Path], object]
) -> None:
    store(lake, BEFORE, 3, hours=3)
    price(lake, [BEFORE, FIRST], hours=4)
    harm(lake.job_runs_file(CENTER, BEFORE))
    store(lake, FIRST, 5, hours=5)
    price(lake, [FIRST], hours=6)
    assert jobs(lake) == ({BEFORE: 3, FIRST: 5}, {BEFORE: 3, FIRST: 5})


def test_a_lost_day_that_was_read_again_by_a_run_that_did_not_price_it_is_priced_by_the_next_one(lake: Lake) -> None:
    # Without the former file nothing says that the later export restates it.
    lake.job_runs_file(CENTER, BEFORE).unlink()
    store(lake, BEFORE, 3, hours=3)
    price(lake, [FIRST], hours=4)
    assert jobs(lake) == ({BEFORE: 3, FIRST: 1}, {BEFORE: 3, FIRST: 1})
