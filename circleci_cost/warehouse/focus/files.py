"""Writes the rows of a query as CSV or Parquet files, DuckDB streaming them; a file may be limited in rows and bytes.

Where the files belong, and that they appear whole, is the caller's business.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from circleci_cost.errors import CircleciCostError
from circleci_cost.lake.files import fsync_file
from circleci_cost.model.focus.receivers import Receiver
from circleci_cost.text.csv_text import safe_cell_sql
from circleci_cost.text.literals import sql_text
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.focus.rows import Query

_PARQUET = "FORMAT parquet, COMPRESSION zstd"
# Quotation marks around a cell, the comma behind it, and for the last one the end of the line.
_AROUND_CELL = 4


@dataclass(frozen=True)
class WrittenFile:
    """A file, and how many rows it holds."""

    path: Path
    rows: int


def write_parquet(connection: duckdb.DuckDBPyConnection, query: Query, path: Path, stamp: str = "") -> WrittenFile:
    """Write one Parquet file; `stamp` is kept in its metadata."""
    noted = f", KV_METADATA {{circleci_cost: {sql_text(stamp)}}}" if stamp else ""
    selected = ", ".join(f'{expression} AS "{name}"' for name, expression in query.columns.items())
    rows = f"SELECT {selected} FROM {query.source} ORDER BY {query.order}"  # noqa: S608 - our names
    return _copy(connection, rows, path, _PARQUET + noted)


def write_csv(connection: duckdb.DuckDBPyConnection, query: Query, path: Path) -> WrittenFile:
    """Write one CSV file: exact decimals, every text in quotes, nulls as empty cells."""
    quoted = ", ".join(f'"{name}"' for name in query.columns if name in query.texts)
    rows = f"SELECT {_safe(query)} FROM {query.source} ORDER BY {query.order}"  # noqa: S608 - our names
    return _copy(connection, rows, path, f"FORMAT csv, HEADER, FORCE_QUOTE ({quoted})")


def write_parts(
    connection: duckdb.DuckDBPyConnection, query: Query, receiver: Receiver, folder: Path, *, name: str, ending: str
) -> list[WrittenFile]:
    """Write CSV files that a receiver accepts, `<name>-1<ending>` and so on.

    In: `.csv` or `.csv.gz` as the ending. Raises `CircleciCostError` for a row that is larger than a file may be.
    """
    compressed = ", COMPRESSION gzip" if ending.endswith(".gz") else ""
    written = []
    with _parts(connection, query, receiver) as files:
        for number in range(files):
            path = folder / f"{name}-{number + 1}{ending}"
            rows = f"SELECT * EXCLUDE (focus_file) FROM focus_parts WHERE focus_file = {number}"  # noqa: S608 - a number
            written.append(_copy(connection, rows, path, f"FORMAT csv, HEADER{compressed}"))
            if receiver.most_bytes is not None and path.stat().st_size > receiver.most_bytes:
                raise CircleciCostError(
                    f"A row of {name} takes more than the {receiver.most_bytes} bytes that {receiver.shown} accepts in "
                    "a file: its names are too long. Nothing was written."
                )
    return written


@contextmanager
def _parts(connection: duckdb.DuckDBPyConnection, query: Query, receiver: Receiver) -> Iterator[int]:
    """Have the rows in order in the table `focus_parts`, each with its `focus_file`; gives the number of files."""
    cells = " + ".join(
        f"""strlen(replace(coalesce(CAST("{_doubled(name)}" AS VARCHAR), ''), '"', '""')) + {_AROUND_CELL}"""
        for name in query.columns
    )
    header = sum(len(name.encode()) + _AROUND_CELL for name in query.columns)
    connection.execute(
        sql("focus/parts").format(columns=_safe(query), source=query.source, order=query.order, bytes=cells),
        {"most_rows": receiver.most_rows, "most_bytes": receiver.most_bytes, "header": header},
    )
    try:
        yield one_row(connection, "SELECT coalesce(max(focus_file), 0) + 1 FROM focus_parts")[0]
    finally:
        connection.execute("DROP TABLE focus_parts")


def _safe(query: Query) -> str:
    """The columns with texts that no spreadsheet runs."""
    return ", ".join(
        f'{safe_cell_sql(expression) if name in query.texts else expression} AS "{_doubled(name)}"'
        for name, expression in query.columns.items()
    )


def _doubled(name: str) -> str:
    return name.replace('"', '""')


def join_csv(files: Sequence[WrittenFile], path: Path) -> WrittenFile:
    """One CSV file of several with the same header."""
    with path.open("wb") as whole:
        for number, part in enumerate(files):
            with part.path.open("rb") as file:
                if number:
                    file.readline()
                shutil.copyfileobj(file, whole)
    fsync_file(path)
    return WrittenFile(path, sum(part.rows for part in files))


def join_parquet(connection: duckdb.DuckDBPyConnection, files: Sequence[WrittenFile], path: Path) -> WrittenFile:
    """One Parquet file of several with the same columns, in their order."""
    paths = ", ".join(sql_text(str(part.path.absolute())) for part in files)
    return _copy(connection, f"SELECT * FROM read_parquet([{paths}])", path, _PARQUET)  # noqa: S608 - quoted paths


def _copy(connection: duckdb.DuckDBPyConnection, rows: str, path: Path, form: str) -> WrittenFile:
    # Of a relative path, DuckDB takes `~` for the home directory.
    place = sql_text(str(path.absolute()))
    ((count,),) = connection.execute(f"COPY ({rows}) TO {place} ({form})").fetchall()
    fsync_file(path)
    return WrittenFile(path, count)
