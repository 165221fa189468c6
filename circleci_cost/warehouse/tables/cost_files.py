"""Tells a connection which files the daily costs are: the stamp of what is derived from them, costs_stamp.sql, asks."""

import hashlib
from collections.abc import Iterable

import duckdb

from circleci_cost.warehouse.tables.manifests import TableFile


def use_cost_files(connection: duckdb.DuckDBPyConnection, files: Iterable[TableFile]) -> None:
    """Let statements of the connection know the content of these files of `daily_costs`, in any order, by a mark."""
    mark = hashlib.sha256("".join(sorted(file.sha256 for file in files)).encode()).hexdigest()[:16]
    connection.execute("SET VARIABLE daily_costs_files = $mark", {"mark": mark})
