"""Short write transactions on the warehouse: all of a change is there or none of it."""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from circleci_cost.warehouse.statements import sql


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Commit on a clean exit, roll back on any other; the tables are made first where they are missing."""
    connection.execute(sql("tables"))
    connection.begin()
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()
