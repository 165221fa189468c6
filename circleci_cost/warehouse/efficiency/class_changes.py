"""Writes `class_changes` from the daily costs of the whole history, and reads it.

Changes are found in `model.efficiency.class_changes`, judged in `model.efficiency.class_verdicts`.
"""

import duckdb
import polars as pl

from circleci_cost.model.efficiency.change_listing import as_json
from circleci_cost.model.efficiency.class_verdicts import VERDICT_SCHEMA, verdicts
from circleci_cost.model.reporting.report import CURRENCY
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import make_tables, transaction
from circleci_cost.warehouse.publishing.generations import Generation

CHANGES = "class_changes"


def write_changes(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """Replace `class_changes` in one transaction, and return its rows, `VERDICT_SCHEMA`.

    In: the warehouse's connection with `daily_costs` and `usage_days`.
    """
    make_tables(connection)
    changes = verdicts(connection.sql(sql("efficiency/class_days")).pl())
    with transaction(connection):
        replace_rows(connection, {CHANGES: changes})
    return changes


def read_changes(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """All changes, `VERDICT_SCHEMA`, those that cost most to keep first."""
    rows: pl.DataFrame = connection.sql(sql("efficiency/changes")).pl()
    return rows.select(pl.col(name).cast(kind) for name, kind in VERDICT_SCHEMA.items())


def published_changes(connection: duckdb.DuckDBPyConnection, generation: Generation) -> pl.DataFrame:
    """As `read_changes`; none in a generation of a version without the table."""
    return read_changes(connection) if CHANGES in generation.manifest.rows else pl.DataFrame(schema=VERDICT_SCHEMA)


def changes_json(generation: Generation, rows: pl.DataFrame) -> dict[str, object]:
    """Rows of the changes in the form of `classes --changes --json`."""
    return {
        **generation.manifest.as_of,
        "currency": CURRENCY,
        "changes": [as_json(row) for row in rows.iter_rows(named=True)],
    }
