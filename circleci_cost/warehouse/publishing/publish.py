"""Makes a published generation: a manifest of the Parquet files that are the tables now, and the few that it adds.

Nothing is copied; with `duckdb_file`, all tables stand in a DuckDB file, too.
"""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from circleci_cost.lake.files import fsync_directory, new_file, remove_folder, storage_errors
from circleci_cost.lake.layout import FORMAT, Lake
from circleci_cost.text.literals import sql_text
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.publishing.dimension_values import find_values
from circleci_cost.warehouse.publishing.generations import (
    DATABASE,
    TABLES,
    Generation,
    GenerationManifest,
    named_generation,
    point_to,
    prune,
)
from circleci_cost.warehouse.publishing.unlisted_files import remove_unlisted
from circleci_cost.warehouse.tables.manifests import TableFile
from circleci_cost.warehouse.tables.schemas import make_temporary
from circleci_cost.warehouse.tables.sessions import OpenWarehouse
from circleci_cost.warehouse.tables.writing import write_files

# BI tools bring a DuckDB of their own, often an older one: every version from 1.0 on opens this.
STORAGE_VERSION = "v1.0.0"
# The tables that only a generation has.
OWN_TABLES = ("usage_restatements", "dimension_values")


def publish(
    warehouse: OpenWarehouse,
    lake: Lake,
    restatements: pl.DataFrame,
    at: datetime,
    *,
    duckdb_file: bool = False,
    fence: Callable[[], object] = lambda: None,
) -> Generation:
    """Write a new generation and make it the current one.

    In: the warehouse as it was opened; `restatements` as `lake.days.read_restatements` gives them. `fence` is called
    last and raises where this generation is no longer wanted. Where anything fails, the former generation stays current
    and nothing of the new one stays; a killed process's folder is removed with old generations. Raises `StorageError`.
    """
    connection = warehouse.connection
    name = f"{at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    directory = lake.published / name
    without_zone = pl.col("recorded_at").dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    with _removed_unless_current(lake, name), storage_errors(directory):
        for table in OWN_TABLES:
            make_temporary(connection, table)
        replace_rows(connection, {"usage_restatements": restatements.with_columns(without_zone)})
        find_values(connection)
        directory.mkdir(parents=True)
        if duckdb_file:
            with new_file(directory / DATABASE) as path:
                _write_database(connection, path)
        own = {table: tuple(write_files(connection, lake.root, directory, table)) for table in OWN_TABLES}
        fsync_directory(directory)
        files = {table: own.get(table) or tuple(warehouse.snapshot.of(table)) for table in TABLES}
        manifest = _manifest(connection, name, at, files)
        fence()
        generation = point_to(lake, manifest)
    prune(lake, name)
    remove_unlisted(lake)
    return generation


@contextmanager
def _removed_unless_current(lake: Lake, name: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        # An error may have come after the rename that made it current.
        if named_generation(lake) != name:
            remove_folder(lake.published / name)
        raise


def _write_database(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    connection.execute(f"ATTACH {sql_text(str(path))} AS generation (STORAGE_VERSION '{STORAGE_VERSION}')")
    try:
        for table in TABLES:
            connection.execute(f"CREATE TABLE generation.{table} AS SELECT * FROM {table}")  # noqa: S608 - our names
        connection.execute("CHECKPOINT generation")
    except BaseException:
        # Detaching writes, too, and may fail again; the first error is raised, and the file is removed.
        with suppress(duckdb.Error):
            connection.execute("DETACH generation")
        raise
    connection.execute("DETACH generation")


def _manifest(
    connection: duckdb.DuckDBPyConnection, name: str, at: datetime, files: dict[str, tuple[TableFile, ...]]
) -> GenerationManifest:
    data_from, data_through, credits, unpriced_credits, cost_usd = one_row(connection, sql("publishing/published_sums"))
    return GenerationManifest(
        format=FORMAT,
        generation=name,
        published_at=at,
        data_from=data_from,
        data_through=data_through,
        rows={table: sum(file.rows for file in listed) for table, listed in files.items()},
        tables=files,
        credits=credits,
        unpriced_credits=unpriced_credits,
        cost_usd=cost_usd,
    )
