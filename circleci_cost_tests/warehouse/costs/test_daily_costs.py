"""Daily costs of job runs made by hand, in which every charge type has an amount of its own."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.warehouse.costs.daily_costs import CostSummary, write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost_tests.lake.builders import CENTER, EXPORTED, FIRST, day, ingest, land_rows
from circleci_cost_tests.model.usage.builders import record

PRICE = Decimal("0.0006123457")
# No two are alike, and no sum of some is another one.
CREDITS = {
    "compute": Decimal(1000),
    "dlc": Decimal(200),
    "user": Decimal("30.5"),
    "storage": Decimal(4),
    "network": Decimal("0.5"),
    "lease": Decimal("0.07"),
    "lease_overage": Decimal("0.008"),
    "ipranges": Decimal("70.0009"),
    "other": Decimal("0.00001"),
}
TOTAL = sum(CREDITS.values(), start=Decimal(0))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "data")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        write_prices(opened, [PricePeriod(CENTER, FIRST, None, PRICE)], FIRST, day(9))
        yield opened


def written(connection: duckdb.DuckDBPyConnection, lake: Lake, *days: date) -> CostSummary:
    ingest(lake, days)
    return write_daily_costs(connection, lake, CENTER, days, EXPORTED, history_start=FIRST, restatement_days=4)


def land_two_jobs(lake: Lake) -> None:
    """Two runs of one job; the second has its compute credits alone."""
    charges = {f"{name.upper()}_CREDITS": f"{credits}" for name, credits in CREDITS.items() if name != "other"}
    zeros = dict.fromkeys(charges, "0")
    land_rows(
        lake,
        [
            record(1, **charges, TOTAL_CREDITS=f"{TOTAL}"),
            record(2, **zeros | {"COMPUTE_CREDITS": "10", "TOTAL_CREDITS": "10"}),
        ],
    )


def test_each_charge_type_has_its_own_credits_and_cost_to_the_last_digit(
    lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    land_two_jobs(lake)
    summary = written(connection, lake, FIRST)
    sums = CREDITS | {"compute": CREDITS["compute"] + 10}
    columns = [*(f"{name}_credits" for name in sums), *(f"{name}_cost_usd" for name in sums), "credits", "cost_usd"]
    (row,) = connection.execute(f"SELECT {', '.join(columns)} FROM daily_costs").fetchall()
    total = TOTAL + 10
    assert row == (*sums.values(), *(credits * PRICE for credits in sums.values()), total, total * PRICE)
    assert (summary.jobs, summary.runs, summary.credits, summary.cost_usd) == (2, 2, total, total * PRICE)
    assert summary.charge_types_cost_usd == summary.cost_usd
    assert summary.job_run_credits == total


def test_credits_squared_leave_out_charges_of_no_run(lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    """Seats, storage, network and IP ranges are booked on some job's row; the rest is squared run by run, in cents."""
    land_two_jobs(lake)
    written(connection, lake, FIRST)
    runs = [TOTAL - sum(CREDITS[name] for name in ("user", "storage", "network", "ipranges")), Decimal(10)]
    expected = sum(amount.quantize(Decimal("0.01")) ** 2 for amount in runs)
    assert connection.execute("SELECT credits_squared FROM daily_costs").fetchall() == [(expected,)]


def test_each_day_says_which_of_its_exports_was_the_last(lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    land_rows(lake, [record(1)])
    land_rows(lake, [record(2)], export_id="import", hours=5, complete=False)
    written(connection, lake, FIRST)
    days = connection.execute("SELECT date, jobs, export_id, exported_at FROM usage_days").fetchall()
    assert days == [(FIRST, 2, "import", EXPORTED.replace(tzinfo=None, hour=16))]
