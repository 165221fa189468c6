"""Short write transactions on the warehouse: all of a change is there or none of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from circleci_cost.warehouse.core.statements import sql

# Looking at each table takes 6 ms: once for a connection is enough.
_MADE = "tables_are_made"


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit on a clean exit, roll back on any other.

    The tables are made first where they are missing, and get this version's columns where an earlier one made them.
    """
    if connection.execute(f"SELECT getvariable('{_MADE}')").fetchall() != [(True,)]:
        connection.execute(sql("core/macros"))
        connection.execute(sql("core/tables"))
        connection.execute(f"SET VARIABLE {_MADE} = true")
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
