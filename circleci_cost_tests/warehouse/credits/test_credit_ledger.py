"""`credit_lots`, `credit_outlook` and `credit_forecast` from the costs of a warehouse."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from circleci_cost.days import days_between
from circleci_cost.model.credits.definition import Purchase
from circleci_cost.model.credits.expected_usage import HORIZON_DAYS
from circleci_cost.model.credits.purchases import CenterCredits
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.warehouse.core.statements import one_row
from circleci_cost.warehouse.credits.credit_ledger import write_credits
from circleci_cost_tests.warehouse.budgets.builders import warehouse

FIRST, THROUGH = date(2026, 1, 1), date(2026, 3, 31)
SETTINGS = ForecastSettings(method="mean")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """1,000 credits of compute a day, and 25,000 for a seat on each 1st."""
    usage = (
        {"date": day, "compute": 1000, "user": 25_000 if day.day == 1 else 0} for day in days_between(FIRST, THROUGH)
    )
    with warehouse(usage) as connection:
        yield connection


def bought(day: date, credits: int, usd: int) -> Purchase:
    return Purchase(date=day, credits=Decimal(credits), usd=Decimal(usd))


def center(*purchases: Purchase) -> CenterCredits:
    return CenterCredits("acme", purchases)


def test_lots_outlook_and_forecast_are_written_together(connection: duckdb.DuckDBPyConnection) -> None:
    credits = center(bought(FIRST, 100_000, 60), bought(date(2026, 2, 1), 200_000, 100))
    summary = write_credits(connection, [credits], SETTINGS)
    usage = one_row(connection, "SELECT sum(credits) FROM daily_costs")
    assert one_row(connection, "SELECT sum(used_credits) FROM credit_lots") == usage == (Decimal(165_000),)
    (row,) = summary.outlook.rows(named=True)
    assert (row["data_through"], row["balance_credits"], row["balance_usd"]) == (THROUGH, 135_000, Decimal("67.5"))
    assert row["runs_out_earliest"] <= row["runs_out_on"] <= row["runs_out_latest"]
    assert date(2026, 5, 1) < row["runs_out_on"] < date(2026, 9, 1)
    assert (summary.lots, summary.findings) == (2, ())
    assert one_row(connection, "SELECT count(*), max(date) FROM credit_forecast") == (
        HORIZON_DAYS,
        THROUGH + timedelta(days=HORIZON_DAYS),
    )


def test_written_again_the_tables_are_the_same_and_a_purchase_that_is_gone_leaves_nothing(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    def content(name: str) -> bytes:
        for table in ("credit_lots", "credit_outlook", "credit_forecast"):
            connection.execute(f"COPY (FROM {table} ORDER BY ALL) TO '{tmp_path / table}.csv'")
        (tmp_path / name).mkdir()
        return b"".join(path.read_bytes() for path in sorted(tmp_path.glob("*.csv")))

    credits = center(bought(FIRST, 100_000, 7))
    write_credits(connection, [credits], SETTINGS)
    first = content("first")
    write_credits(connection, [credits], SETTINGS)
    assert content("second") == first
    summary = write_credits(connection, [], SETTINGS)
    assert (summary.rows, summary.lots, summary.outlook.height) == (0, 0, 0)
    assert one_row(connection, "SELECT count(*) FROM credit_lots") == (0,)


def test_missing_purchases_and_lots_older_than_the_usage_are_named(connection: duckdb.DuckDBPyConnection) -> None:
    credits = center(bought(date(2025, 12, 1), 50_000, 30))
    assert write_credits(connection, [credits], SETTINGS).findings == (
        "acme: 115,000 credits were used that no purchase pays for; write down the purchases or refills that are "
        "missing",
        "acme: 1 lot of credits bought before 2026-01-01, the first day whose usage is known, may have been used in "
        "part by then; write down only what was left of them on that day",
    )


def test_days_without_data_are_named_as_their_usage_is_in_no_balance(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("DELETE FROM daily_costs WHERE date IN ('2026-01-03', '2026-02-10', '2026-02-11')")
    connection.execute("DELETE FROM usage_days WHERE date IN ('2026-01-03', '2026-02-10', '2026-02-11')")
    credits = center(bought(date(2026, 2, 1), 200_000, 100))
    assert write_credits(connection, [credits], SETTINGS).findings == (
        "acme: of 2026-02-10 to 2026-02-11 no usage is known, so the balance may be too high; `circleci-cost backfill` "
        "fetches what CircleCI still has",
    )


def test_a_cost_center_without_usage_has_a_balance_and_no_outlook(connection: duckdb.DuckDBPyConnection) -> None:
    globex = CenterCredits("globex", [bought(FIRST, 5, 3)])
    outlook = write_credits(connection, [globex, center(bought(FIRST, 5, 3))], SETTINGS).outlook
    assert outlook.select("cost_center", "balance_credits", "credits_per_day").rows()[0] == ("globex", 5, None)
    assert outlook.height == 2
