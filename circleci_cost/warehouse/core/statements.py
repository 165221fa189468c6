"""Reads the SQL of the warehouse from the files beside the modules: no SQL is put together from values."""

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import duckdb

from circleci_cost.warehouse.core.schema_pieces import PIECES

_PIECE = re.compile(r"\{schema\.(\w+)\}")
_PART = re.compile(r"\{sql\.([\w/]+)\}")


@cache
def sql(name: str) -> str:
    """The text of a .sql file by package and name, such as `costs/daily_costs`.

    Its `schema_pieces` are filled in, and other files that are parts of it: `{sql.costs/named_costs}`.
    """
    text = resources.files("circleci_cost.warehouse").joinpath(*f"{name}.sql".split("/")).read_text("utf-8")
    text = _PART.sub(lambda part: sql(part[1]), text)
    return _PIECE.sub(lambda piece: PIECES[piece[1]], text)


def statements_of(package: str) -> list[str]:
    """The texts of all .sql files of a package, such as `focus`, by name."""
    files = resources.files("circleci_cost.warehouse").joinpath(package).iterdir()
    names = sorted(file.name.removesuffix(".sql") for file in files if file.name.endswith(".sql"))
    return [sql(f"{package}/{name}") for name in names]


def one_row(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, object] | None = None
) -> tuple[Any, ...]:
    """The one row of an aggregate without groups.

    All rows are fetched: DuckDB 2 refuses other work on a connection while a result is unfinished.
    """
    (row,) = connection.execute(query, parameters or {}).fetchall()
    return tuple(row)
