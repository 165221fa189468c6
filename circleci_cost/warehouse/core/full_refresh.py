"""Replacing all rows of tables that are computed as a whole; the caller's transaction makes it one change."""

from collections.abc import Mapping
from contextlib import suppress

import duckdb
import polars as pl


def replace_rows(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pl.DataFrame]) -> None:
    """Replace the rows of tables of our own, each by those of a frame with the same columns in any order."""
    for table, frame in tables.items():
        connection.execute(f"DELETE FROM {table}")  # noqa: S608 - a table's name of our own
        connection.register("new_rows", frame)
        try:
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM new_rows")  # noqa: S608
        finally:
            unregister(connection, "new_rows")


def unregister(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Unregister a frame. After a failed transaction DuckDB refuses this; the original error is kept.

    The next `register` of the name replaces the frame.
    """
    with suppress(duckdb.TransactionException):
        connection.unregister(name)
