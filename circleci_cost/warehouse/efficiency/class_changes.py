"""Writes `class_changes` from the daily costs of the whole history, and reads it.

Changes are found in `model.efficiency.class_changes`, judged in `model.efficiency.class_verdicts`.
"""

import duckdb
import polars as pl

from circleci_cost.model.efficiency.class_verdicts import VERDICT_SCHEMA, verdicts
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import make_tables, transaction

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
