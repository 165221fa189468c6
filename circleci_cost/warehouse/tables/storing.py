"""Stores all tables of a connection at once, as the current ones of every set.

For tables that came from somewhere else than a run of an asset, such as the warehouse of an earlier version.
"""

from datetime import datetime

import duckdb

from circleci_cost.lake.layout import Lake
from circleci_cost.text.literals import sql_text
from circleci_cost.warehouse.tables.manifests import Place
from circleci_cost.warehouse.tables.table_sets import NEWEST_NAMES, TABLE_SETS
from circleci_cost.warehouse.tables.writing import write_tables

_COST_CENTERS = "SELECT cost_center FROM usage_days UNION SELECT cost_center FROM daily_costs ORDER BY ALL"


def store_tables(connection: duckdb.DuckDBPyConnection, lake: Lake, at: datetime) -> None:
    """Write every table of `connection` and make it the current one. Raises `StorageError`.

    In: a connection with all tables of `core/tables.sql`.
    """
    for table_set in TABLE_SETS.values():
        if table_set.by_cost_center:
            for (cost_center,) in connection.execute(_COST_CENTERS).fetchall():
                _store_cost_center(connection, Place(lake, table_set, cost_center), at)
        else:
            place = Place(lake, table_set)
            write_tables(connection, place, place.read(), at)


def _store_cost_center(connection: duckdb.DuckDBPyConnection, place: Place, at: datetime) -> None:
    """Store a cost center's own rows, and the names of what they name."""
    own = f"cost_center = {sql_text(place.cost_center)}"
    named = (
        f"id IN (SELECT organization_id FROM daily_costs WHERE {own} UNION "  # noqa: S608 - a name of ours
        f"SELECT project_id FROM daily_costs WHERE {own})"
    )
    rows = {
        table: f"(SELECT * FROM {table} WHERE {named if table == NEWEST_NAMES else own})"  # noqa: S608
        for table in place.table_set.tables
    }
    write_tables(connection, place, place.read(), at, rows=rows)
