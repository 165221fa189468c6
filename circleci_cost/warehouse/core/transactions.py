"""Short write transactions on the warehouse, and the tables that they need: a change is made in full or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from circleci_cost.warehouse.core.statements import sql

# Once for a connection is enough.
_MADE = "tables_are_made"


def make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables that are missing, for a connection that was not opened by `warehouse.tables`.

    For readers of tables that nobody may have written yet; `transaction` calls it itself.
    """
    if connection.execute(f"SELECT getvariable('{_MADE}')").fetchall() != [(True,)]:
        connection.execute(sql("core/macros"))
        with _committed(connection):
            connection.execute(sql("core/tables"))
        tables_are_made(connection)


def tables_are_made(connection: duckdb.DuckDBPyConnection) -> None:
    """Note that the connection has the macros and every table, or a view of it."""
    connection.execute(f"SET VARIABLE {_MADE} = true")


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
