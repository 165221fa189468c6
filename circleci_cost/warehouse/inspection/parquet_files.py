"""Reads Parquet files that may be damaged: all in one query, and one by one only where that query fails."""

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from circleci_cost.database import connect
from circleci_cost.lake.files import storage_errors

_CHUNK = 1 << 20


def read_intact(query: str, files: Sequence[str]) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The rows that `query` has of its `$files`, and those of them that it cannot read; their rows are left out.

    In: a query of which the rows of all files together are those of each. Raises `StorageError` for a file that may
    not be read.
    """
    if not files:
        return [], []
    try:
        return _rows(query, files), []
    except duckdb.Error as error:
        if len(files) == 1:
            _raise_unless_damaged(files[0], error)
            return [], list(files)
    # By halves: most files are intact.
    middle = len(files) // 2
    first_rows, first_damaged = read_intact(query, files[:middle])
    rows, damaged = read_intact(query, files[middle:])
    return first_rows + rows, first_damaged + damaged


def _rows(query: str, files: Sequence[str]) -> list[tuple[Any, ...]]:
    with connect() as connection:
        return connection.execute(query, {"files": list(files)}).fetchall()


def _raise_unless_damaged(file: str, error: duckdb.Error) -> None:
    """What DuckDB says of damaged pages is of every class: one that the system reads whole is damage."""
    with storage_errors(file, "read"):
        if isinstance(error, duckdb.OutOfMemoryException):
            raise error
        try:
            with Path(file).open("rb") as content:
                while content.read(_CHUNK):
                    pass
        except OSError as failed:
            if failed.errno not in {errno.EIO, errno.ENOENT}:
                raise
