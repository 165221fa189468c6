"""Makes a published generation from the warehouse: Parquet by month, small tables, a read-only DuckDB file."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl

from circleci_cost.lake.files import fsync_file, storage_errors
from circleci_cost.lake.layout import FORMAT, Lake
from circleci_cost.text.literals import sql_text
from circleci_cost.warehouse.core.full_refresh import unregister
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.core.transactions import make_tables
from circleci_cost.warehouse.publishing.dimension_values import dimension_values
from circleci_cost.warehouse.publishing.generations import (
    DATABASE,
    MONTHLY_ORDER,
    TABLES,
    Generation,
    GenerationManifest,
    named_generation,
    point_to,
    prune,
)

# BI tools bring a DuckDB of their own, often an older one: 1.4 and later open this.
STORAGE_VERSION = "v1.4.0"


def publish(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    restatements: pl.DataFrame,
    at: datetime,
    *,
    fence: Callable[[], object] = lambda: None,
) -> Generation:
    """Write a new generation and make it the current one.

    In: the warehouse's connection; `restatements` as `lake.days.read_restatements` gives them. `fence` is called last
    and raises where this generation is no longer wanted. Where anything fails, the former generation stays current and
    nothing of the new one stays; a killed process's folder is removed with old generations. Raises `StorageError`.
    """
    make_tables(connection)
    name = f"{at:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}"
    directory = lake.published / name
    without_zone = pl.col("recorded_at").dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    connection.register("usage_restatements", restatements.with_columns(without_zone))
    try:
        with _removed_unless_current(lake, name), storage_errors(directory), dimension_values(connection):
            directory.mkdir(parents=True)
            _write_database(connection, directory / DATABASE)
            _write_parquet(connection, directory)
            manifest = _manifest(connection, name, at)
            fence()
            generation = point_to(lake, manifest)
    finally:
        unregister(connection, "usage_restatements")
    prune(lake, name)
    return generation


@contextmanager
def _removed_unless_current(lake: Lake, name: str) -> Iterator[None]:
    try:
        yield
    except BaseException:
        # An error may have come after the rename that made it current.
        if named_generation(lake) != name:
            shutil.rmtree(lake.published / name, ignore_errors=True)
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
    fsync_file(path)


def _write_parquet(connection: duckdb.DuckDBPyConnection, directory: Path) -> None:
    for table in TABLES:
        (directory / table).mkdir()
    for (month,) in connection.execute("SELECT DISTINCT date_trunc('month', date) FROM daily_costs").fetchall():
        for table, order in MONTHLY_ORDER.items():
            _copy(
                connection,
                f"SELECT * FROM {table} WHERE date_trunc('month', date) = DATE '{month:%Y-%m-%d}' "  # noqa: S608
                f"ORDER BY {order}",
                directory / table / f"{month:%Y-%m}.parquet",
            )
    for table in TABLES:
        if table not in MONTHLY_ORDER:
            _copy(connection, f"SELECT * FROM {table} ORDER BY ALL", directory / table / f"{table}.parquet")  # noqa: S608


def _copy(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> None:
    connection.execute(f"COPY ({query}) TO {sql_text(str(path))} (FORMAT parquet, COMPRESSION zstd)")
    fsync_file(path)


def _manifest(connection: duckdb.DuckDBPyConnection, name: str, at: datetime) -> GenerationManifest:
    data_from, data_through, credits, unpriced_credits, cost_usd = one_row(connection, sql("publishing/published_sums"))
    rows = {table: one_row(connection, f"SELECT count(*) FROM {table}")[0] for table in TABLES}  # noqa: S608
    return GenerationManifest(
        format=FORMAT,
        generation=name,
        published_at=at,
        data_from=data_from,
        data_through=data_through,
        rows=rows,
        credits=credits,
        unpriced_credits=unpriced_credits,
        cost_usd=cost_usd,
    )
