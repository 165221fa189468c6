"""Takes over the tables of data directories up to format 4, which had them in one DuckDB file.

Nothing is fetched and nothing computed: rows are copied, with this version's columns. The DuckDB file goes last, so a
kill in the middle leaves it to the next write.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from circleci_cost.clock import SystemClock
from circleci_cost.database import connect
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.own_files import require_own_database
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.turns import TAKING_OVER, turn
from circleci_cost.text.literals import sql_text
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.tables.schemas import columns, statements, warehouse_tables
from circleci_cost.warehouse.tables.storing import store_tables
from circleci_cost.warehouse.tables.supplied_columns import with_supplied_columns

_DAMAGED = (
    "Restore it from a backup, or move it away and keep it, then run `circleci-cost reprice`, which makes the tables "
    "again from the job runs."
)


def take_over(lake: Lake, say: Callable[[str], object] | None = None) -> None:
    """Turn the DuckDB file of an earlier version into table files, then remove it. Raises `StorageError`."""
    if isinstance(lake.root, StorePath):
        return  # no earlier version had its data there
    if not lake.earlier_warehouse.exists() and not lake.earlier_warehouse.is_symlink():
        return
    with turn(lake.earlier_warehouse_lock, say, TAKING_OVER):
        path = lake.earlier_warehouse
        require_own_database(path)
        if not path.exists():
            return
        with storage_errors(path, "use", _DAMAGED), closing(connect()) as connection:
            connection.execute(sql("core/macros"))
            with _attached(connection, path) as database:
                _copy_tables(connection, database)
            store_tables(connection, lake, SystemClock().now())
        with storage_errors(path, "use"):
            path.unlink()


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, path: Path) -> Iterator[str]:
    connection.execute(f"ATTACH {sql_text(str(path))} AS earlier")
    try:
        yield "earlier"
    finally:
        connection.execute("DETACH earlier")


def _copy_tables(connection: duckdb.DuckDBPyConnection, database: str) -> None:
    query = "SELECT table_name FROM duckdb_tables() WHERE database_name = $database"
    present = {name for (name,) in connection.execute(query, {"database": database}).fetchall()}
    for table in warehouse_tables():
        connection.execute(statements()[table])
        if table in present:
            rows = f"SELECT * FROM {database}.{table}"  # noqa: S608 - our names
            rows = with_supplied_columns(connection, table, columns()[table], rows)
            if table == "usage_days":
                # A migration to format 2 that was killed left it NULL.
                whole = "coalesce(complete, holds_whole_day(date, exported_at))"
                rows = f"SELECT * REPLACE ({whole} AS complete) FROM ({rows})"  # noqa: S608 - our names
            connection.execute(f"INSERT INTO main.{table} BY NAME {rows}")
