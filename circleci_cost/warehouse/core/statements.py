"""The SQL of the warehouse, from the files in `sql/`: no SQL is put together from values."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import duckdb


@cache
def sql(name: str) -> str:
    """The text of `sql/<name>.sql`."""
    return resources.files("circleci_cost.warehouse").joinpath("sql", f"{name}.sql").read_text("utf-8")


def one_row(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object] | None = None
) -> tuple[Any, ...]:
    """The one row of an aggregate without groups.

    All rows are fetched: DuckDB 2 refuses other work on a connection while a result is unfinished.
    """
    (row,) = connection.execute(query, parameters or {}).fetchall()
    return tuple(row)
