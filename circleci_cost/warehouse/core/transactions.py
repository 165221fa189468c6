"""Short write transactions on the warehouse, and the tables that they need: a change is made in full or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from circleci_cost.warehouse.core.added_columns import add_columns
from circleci_cost.warehouse.core.statements import sql

# Once for a connection is enough.
_MADE = "tables_are_made"
# The columns that this process has made once: to see that a warehouse has them takes 2 ms, to make none of them 18.
_MADE_COLUMNS: set[tuple[str, str]] = set()


def make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that are missing; those of an earlier version get this one's columns.

    For readers of tables that nobody may have written yet; `transaction` calls it itself.
    """
    if connection.execute(f"SELECT getvariable('{_MADE}')").fetchall() != [(True,)]:
        connection.execute(sql("core/macros"))
        if not _MADE_COLUMNS or not _columns(connection) >= _MADE_COLUMNS:
            with _committed(connection):
                connection.execute(sql("core/tables"))
                add_columns(connection)
            _MADE_COLUMNS.update(_columns(connection))
        connection.execute(f"SET VARIABLE {_MADE} = true")


def _columns(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    query = "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = current_database()"
    return set(connection.execute(query).fetchall())


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit on a clean exit, roll back on any other; the tables are made first."""
    make_tables(connection)
    with _committed(connection):
        yield


@contextmanager
def _committed(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
