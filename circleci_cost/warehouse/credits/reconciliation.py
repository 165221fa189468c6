"""Writes and reads `reconciliation`: invoices against the computed costs, by cause.

The causes are defined in `model.credits.reconciliation`; `credit_ledger` must have been written before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from circleci_cost.model.credits.purchases import CenterCredits, credit_lots
from circleci_cost.model.credits.reconciliation import (
    BOUGHT_SCHEMA,
    DAYS_SCHEMA,
    RECONCILIATION_SCHEMA,
    RESTATED_SCHEMA,
    Cause,
    billed_periods,
    reconcile,
)
from circleci_cost.model.credits.text import say_unexplained
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.core.transactions import make_tables, transaction
from circleci_cost.warehouse.publishing.generations import Generation

RECONCILIATION = "reconciliation"
# Lots of later days than these are on no invoice.
_LATEST = date(2100, 12, 31)


@dataclass(frozen=True)
class ReconciliationSummary:
    """What was written, and a sentence for each period of which too much stays unexplained."""

    rows: pl.DataFrame
    findings: tuple[str, ...]


def write_reconciliation(
    connection: duckdb.DuckDBPyConnection, centers: Sequence[CenterCredits], restatements: pl.DataFrame
) -> ReconciliationSummary:
    """Replace `reconciliation` in one transaction; without invoices it is empty.

    In: the warehouse's connection after `write_credits` with the same purchases; all recorded restatements.
    """
    make_tables(connection)
    frames = [frame for center in centers for frame in _of_center(connection, center, restatements)]
    rows = pl.concat([pl.DataFrame(schema=RECONCILIATION_SCHEMA), *frames])
    with transaction(connection):
        replace_rows(connection, {RECONCILIATION: rows})
    return ReconciliationSummary(rows, tuple(_unexplained(rows, centers)))


def read_reconciliation(connection: duckdb.DuckDBPyConnection, generation: Generation) -> pl.DataFrame:
    """All rows in their order, `RECONCILIATION_SCHEMA`; none in a generation of a version without the table."""
    if RECONCILIATION not in generation.manifest.rows:
        return pl.DataFrame(schema=RECONCILIATION_SCHEMA)
    rows: pl.DataFrame = connection.sql(f"FROM {RECONCILIATION} ORDER BY cost_center, period_start, position").pl()
    return rows


def _of_center(
    connection: duckdb.DuckDBPyConnection, center: CenterCredits, restatements: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    name = center.cost_center
    days = connection.sql(sql("credits/known_days"), params={"cost_center": name}).pl().cast(DAYS_SCHEMA)
    restated = restatements.filter(cost_center=name).select(
        "date",
        recorded_on=pl.col("recorded_at").dt.convert_time_zone("UTC").dt.date(),
        credits=pl.col("credits_added") - pl.col("credits_removed") + pl.col("credits_changed"),
    )
    bought = None if center.is_empty else _bought(center)
    (through,) = one_row(connection, "SELECT max(data_through) FROM credit_outlook")
    for billed in billed_periods(center.invoices, center.plan.billing_day):
        yield reconcile(
            *(name, billed, days),
            plan=center.plan,
            bought=bought,
            restated=restated.cast(RESTATED_SCHEMA),
            ledger_through=through,
        )


def _bought(center: CenterCredits) -> pl.DataFrame:
    lots = credit_lots([center], _LATEST).filter(pl.col("usd") > 0)
    return lots.select(BOUGHT_SCHEMA.keys()).cast(BOUGHT_SCHEMA)


def _unexplained(rows: pl.DataFrame, centers: Sequence[CenterCredits]) -> Iterator[str]:
    most = {center.cost_center: center.plan.max_unexplained for center in centers}
    for row in rows.filter(cause=Cause.UNEXPLAINED.value).iter_rows(named=True):
        if abs(row["amount_usd"]) > most[row["cost_center"]] * abs(row["invoice_usd"]):
            yield say_unexplained(row)
