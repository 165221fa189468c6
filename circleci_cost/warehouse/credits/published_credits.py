"""What is published of the credits, for the command line and the pages; making it is `credit_ledger`'s job."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from circleci_cost.day_ranges import DayRange, as_ranges
from circleci_cost.model.credits.findings import bought_before_history
from circleci_cost.model.credits.outlook import OUTLOOK_SCHEMA
from circleci_cost.model.reporting.report import CURRENCY
from circleci_cost.text.amounts import exact
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.publishing.generations import Generation

HOW_TO_ENTER = (
    "No purchases of credits are written down, so nothing is known about balance and run-out; add them to {source}: a "
    "section [[cost_centers.purchases]] with date = 2026-01-15, credits = 25_000_000 and usd = 13750, or "
    '`purchase_files = ["purchases.csv"]`. `circleci-cost help credits` shows how.'
)
_OUTLOOK = "credit_outlook"


def published_outlook(connection: duckdb.DuckDBPyConnection, generation: Generation) -> pl.DataFrame:
    """The state of each cost center's credits, by name; none in a generation of a version without credits."""
    if _OUTLOOK not in generation.manifest.rows:
        return pl.DataFrame(schema=OUTLOOK_SCHEMA)
    rows: pl.DataFrame = connection.sql(f"FROM {_OUTLOOK} ORDER BY cost_center").pl()
    return rows


def published_lots(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """What has become of each lot. In: the connection of a generation that has an outlook."""
    rows: pl.DataFrame = connection.sql(sql("credits/lots")).pl()
    return rows


def published_before_history(connection: duckdb.DuckDBPyConnection, lots: pl.DataFrame) -> Iterator[str]:
    """A sentence for each cost center with lots, as `published_lots` gives them, that its usage does not reach back to.

    Their balance is too high by what was used of them before.
    """
    usage = connection.sql("SELECT cost_center, min(date) AS date FROM daily_costs GROUP BY ALL").pl()
    return bought_before_history(lots.rename({"bought_on": "date"}), usage)


def published_course(connection: duckdb.DuckDBPyConnection, cost_center: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A cost center's balance by day: `date` and `balance` of the past, and the days to come, `COURSE_SCHEMA`."""
    asked = {"cost_center": cost_center}
    past: pl.DataFrame = connection.sql(sql("credits/balance"), params=asked).pl()
    to_come: pl.DataFrame = connection.sql(
        "FROM credit_forecast WHERE cost_center = $cost_center ORDER BY date", params=asked
    ).pl()
    return past, to_come


def newest_lots(connection: duckdb.DuckDBPyConnection) -> dict[str, date]:
    """The day of the last purchase of each cost center, of those that can be used already."""
    rows = connection.execute(
        "SELECT cost_center, max(bought_on) FROM credit_lots WHERE bought_on IS NOT NULL GROUP BY cost_center"
    )
    return dict(rows.fetchall())


def upcoming_expiries(connection: duckdb.DuckDBPyConnection, until: date) -> list[tuple[str, date, Decimal, Decimal]]:
    """Cost center, day, credits and USD of what will probably expire unused up to a day, in order."""
    return connection.execute(
        "SELECT cost_center, date, expired_credits, expired_usd FROM credit_forecast "
        "WHERE expired_credits > 0 AND date <= $until ORDER BY ALL",
        {"until": until},
    ).fetchall()


def not_published(configured: Sequence[str], outlook: pl.DataFrame, generation: Generation) -> str:
    """The sentence about cost centers whose purchases are in no published state yet; empty where there are none."""
    missing = [name for name in configured if name not in set(outlook["cost_center"])]
    if not missing or generation.manifest.data_through is None:
        return ""
    return f"No state of the credits of {', '.join(missing)} is published yet; {generation.how_to_publish}."


def days_of_unknown_usage(connection: duckdb.DuckDBPyConnection) -> dict[str, list[DayRange]]:
    """The days without data in the time of each cost center's ledger. In: a connection that has an outlook."""
    return {name: as_ranges(days) for name, days in connection.execute(sql("credits/unknown_days")).fetchall()}


def credits_json(generation: Generation, outlook: pl.DataFrame, lots: pl.DataFrame) -> dict[str, object]:
    """The states in the form of `credits --json`: each with its lots; decimals are exact strings."""
    by_center: dict[str, list[dict[str, object]]] = {}
    for row in lots.iter_rows(named=True):
        by_center.setdefault(row["cost_center"], []).append(_plain(row))
    return {
        **generation.manifest.as_of,
        "currency": CURRENCY,
        "cost_centers": [
            _plain(row) | {"lots": by_center.get(row["cost_center"], [])} for row in outlook.iter_rows(named=True)
        ],
    }


def _plain(row: dict[str, Any]) -> dict[str, object]:
    return {name: _value(value) for name, value in row.items()}


def _value(value: object) -> object:
    if isinstance(value, Decimal):
        return exact(value)
    return value.isoformat() if isinstance(value, date) else value


def reconciliation_json(generation: Generation, rows: pl.DataFrame) -> dict[str, object]:
    """The rows of `reconciliation` in the form of `reconcile --json`: each period with its parts."""
    of_period = ("cost_center", "period_start", "period_end", "invoices", "invoice_usd")
    of_part = ("cause", "amount_usd", "estimated", "note")
    periods = rows.partition_by("cost_center", "period_start", "period_end", maintain_order=True)
    return {
        **generation.manifest.as_of,
        "currency": CURRENCY,
        "periods": [
            _plain(period.select(of_period).row(0, named=True))
            | {"parts": [_plain(row) for row in period.select(of_part).iter_rows(named=True)]}
            for period in periods
        ],
    }
