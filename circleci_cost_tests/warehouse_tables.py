"""All tables of a data directory at once, to be read and written; publications of what tests wrote into them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from circleci_cost.lake.files import write_atomic
from circleci_cost.lake.layout import Lake
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import tables_are_made
from circleci_cost.warehouse.publishing.generations import MANIFEST, TABLES, Generation
from circleci_cost.warehouse.publishing.publish import publish
from circleci_cost.warehouse.tables.manifests import TableFile, take_snapshot
from circleci_cost.warehouse.tables.schemas import columns, statements, warehouse_tables
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost.warehouse.tables.storing import store_tables
from circleci_cost.warehouse.tables.views import rows_of
from circleci_cost.warehouse.tables.writing import write_files

NO_RESTATEMENTS = pl.DataFrame(schema=restatements.SCHEMA)


@contextmanager
def open_tables(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with all tables as they are now; on a clean exit its rows are stored."""
    with tables_to_publish(lake) as connection:
        yield connection
        store_tables(connection, lake, datetime.now(UTC))


@contextmanager
def tables_to_publish(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with all tables as they are now; nothing but `publish_tables` stores its rows."""
    with duckdb.connect() as connection:
        connection.execute(sql("core/macros"))
        snapshot = take_snapshot(lake)
        for table in warehouse_tables():
            connection.execute(statements()[table])
            if files := snapshot.of(table):
                connection.execute(
                    f"INSERT INTO {table} BY NAME SELECT * FROM ({rows_of(connection, lake.root, table, files)})"
                )
        for derived, stamp in snapshot.stamps().items():
            connection.execute("INSERT INTO derived_from VALUES (?, ?)", [derived, stamp])
        tables_are_made(connection)
        yield connection


def publish_tables(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    changes: pl.DataFrame = NO_RESTATEMENTS,
    at: datetime | None = None,
    *,
    duckdb_file: bool = False,
    fence: Callable[[], object] = lambda: None,
) -> Generation:
    """Store the tables of a connection and publish them."""
    at = at or datetime.now(UTC)
    store_tables(connection, lake, at)
    ((cost_centers,),) = connection.execute("SELECT CAST(getvariable('cost_centers') AS VARCHAR[])").fetchall()
    with TableStore(lake, cost_centers).reading() as opened:
        return publish(opened, lake, changes, at, duckdb_file=duckdb_file, fence=fence)


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows that name the same columns, all in one statement: one for each takes 5 ms of a processor."""
    if not rows:
        return
    # As texts, of which DuckDB makes what the columns are: decimals of different scales stay exact.
    texts = {name: [_text(row[name]) for row in rows] for name in rows[0]}
    connection.register("inserted", pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String)))
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM inserted")
    connection.unregister("inserted")


def _text(value: Any) -> str | None:
    return None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


@contextmanager
def edit_generation(generation: Generation) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the tables of a generation; on a clean exit the generation holds what it has then."""
    root = generation.root
    with duckdb.connect() as connection:
        for table, files in (generation.manifest.tables or {}).items():
            connection.execute(statements()[table])
            if files:
                rows = rows_of(connection, root, table, files)
                connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM ({rows})")
        yield connection
        present = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        tables = {
            table: tuple(
                _marked(connection, file) for file in write_files(connection, root, generation.directory, table)
            )
            for table in TABLES
            if table in present
        }
    manifest = generation.manifest.model_copy(update={"tables": tables})
    write_atomic(generation.directory / MANIFEST, manifest.model_dump_json().encode())


def _marked(connection: duckdb.DuckDBPyConnection, file: TableFile) -> TableFile:
    """The file of another version, where its columns are not this one's."""
    names = {row[0] for row in connection.execute(f"DESCRIBE {file.table}").fetchall()}
    return file if names == columns()[file.table].keys() else file.model_copy(update={"columns": ""})
