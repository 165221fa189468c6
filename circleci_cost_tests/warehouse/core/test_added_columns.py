"""Charge types and dimensions that are younger than a warehouse, a publication or the job runs."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.verification import verify_job_runs
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost.warehouse.costs.daily_costs import write_daily_costs
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost.warehouse.publishing.earlier_versions import supply_columns
from circleci_cost.warehouse.reporting.report import unfilled_days
from circleci_cost.warehouse.tables.manifests import Place
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost.warehouse.tables.table_sets import TABLE_SETS
from circleci_cost_tests.lake.builders import CENTER, FIRST, day, ingest, land_rows
from circleci_cost_tests.model.usage.builders import record
from circleci_cost_tests.warehouse.allocation.builders import DAY, PRICE, fill
from circleci_cost_tests.warehouse_tables import open_tables

NEXT_MONTH = DAY + timedelta(days=31)
YOUNG = ("lease_overage_credits", "lease_overage_cost_usd")
ROWS = [{"compute": 5, "job": "priced"}, {"compute": 7, "job": "unpriced", "price": None}]


def aged(path: Path) -> None:
    """A warehouse as it was before leases of machines over the contract were charged, and executors were known."""
    with duckdb.connect(str(path)) as connection:
        fill(connection, ROWS)
        for table, columns in {"daily_costs": (*YOUNG, "executor"), "allocated_costs": ("executor",)}.items():
            for name in columns:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {name}")


def young(connection: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    query = f"SELECT job, executor, {', '.join(YOUNG)} FROM daily_costs ORDER BY job"
    return connection.execute(query).fetchall()


EXPECTED = [("priced", None, Decimal(0), Decimal(0)), ("unpriced", None, Decimal(0), None)]


def test_an_older_warehouse_gets_the_columns_with_no_credits_and_no_cost(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    aged(lake.earlier_warehouse)
    with TableStore(lake).reading() as opened:
        assert young(opened.connection) == EXPECTED
        assert opened.connection.execute("SELECT executor, actor_kind FROM allocated_costs").fetchall() == []
        # Its rows are told apart by less than the job runs: `reprice` is to make them again.
        assert unfilled_days(opened.connection) == {CENTER: [DAY]}
    assert not lake.earlier_warehouse.exists()


def test_files_of_tables_that_lack_columns_are_read_with_them_beside_whole_ones(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    with open_tables(lake) as connection:
        fill(connection, [*ROWS, {"compute": 1, "lease_overage": 2, "job": "new", "date": NEXT_MONTH}])
    place = Place(lake, TABLE_SETS["daily_costs"], CENTER)
    manifest = place.read()
    old = next(file for file in manifest.files if file.month == f"{DAY:%Y-%m}")
    rows = pl.read_parquet(lake.root / old.path).drop(*YOUNG, "executor")
    rows.write_parquet(lake.root / old.path)
    files = [file.model_copy(update={"columns": "other"}) if file == old else file for file in manifest.files]
    place.switch(manifest, manifest.model_copy(update={"files": tuple(files), "version": 9}))
    with TableStore(lake).reading() as opened:
        assert young(opened.connection) == [("new", None, Decimal(2), 2 * PRICE), *EXPECTED]


def test_an_older_publication_is_read_with_the_columns_and_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "published.duckdb"
    aged(path)
    before = path.read_bytes()
    with duckdb.connect(str(path), read_only=True) as connection:
        supply_columns(connection)
        assert young(connection) == EXPECTED
        assert unfilled_days(connection) == {CENTER: [DAY]}
    assert path.read_bytes() == before


def drop_column(lake: Lake, number: int) -> None:
    """Write the day's file as a version wrote it that did not know the charge type."""
    path = lake.job_runs_file(CENTER, day(number))
    metadata = pl.read_parquet_metadata(path)
    rows = pl.read_parquet(path, hive_partitioning=False).drop("lease_overage_credits")
    own_metadata = {name: value for name, value in metadata.items() if name != "ARROW:schema"}
    rows.write_parquet(path, metadata=own_metadata)


def test_job_runs_that_are_older_than_a_charge_type_are_counted_and_priced(tmp_path: Path) -> None:
    lake = open_lake(tmp_path / "data")
    rows = [
        record(number, JOB_RUN_DATE=f"{day(number)}", COMPUTE_CREDITS="3", LEASE_OVERAGE_CREDITS="0", TOTAL_CREDITS="3")
        for number in (1, 2)
    ]
    land_rows(lake, rows, FIRST, day(2))
    ingest(lake, [day(1), day(2)])
    for old in ([1], [1, 2]):
        for number in old:
            if number == old[-1]:
                drop_column(lake, number)
        counted = verify_job_runs(lake, CENTER, [day(1), day(2)])
        assert counted.charge_type_credits == counted.credits == 6
        with duckdb.connect() as connection:
            write_prices(connection, [PricePeriod(CENTER, FIRST, None, PRICE)], FIRST, day(9))
            at = datetime(2026, 11, 2, tzinfo=UTC)
            days = [day(1), day(2)]
            written = write_daily_costs(connection, lake, CENTER, days, at, history_start=FIRST, restatement_days=4)
            with transaction(connection):
                amounts = connection.execute(f"SELECT compute_credits, {', '.join(YOUNG)} FROM daily_costs").fetchall()
        assert amounts == [(3, 0, 0)] * 2
        assert written.charge_types_cost_usd == written.cost_usd == 6 * PRICE
