"""Gives the daily costs of all days the newest names, and the kinds of actors that the configuration says now.

A run of one cost center sees only its own names and rewrites only the months of its days: the rest is made up for
here, before anything is derived from the costs.
"""

from datetime import date

import duckdb
import polars as pl

from circleci_cost.assets import DAILY_COSTS
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost.warehouse.tables.changed_days import ChangedDays
from circleci_cost.warehouse.tables.sessions import TableStore


def use_current_names(store: TableStore) -> None:
    """Rewrite the months that have outdated names or kinds of actors; where there are none, write nothing.

    Raises `StorageError`.
    """
    with store.reading() as warehouse:
        outdated: dict[str, list[date]] = {}
        for cost_center, day in warehouse.connection.execute(sql("costs/outdated_names")).fetchall():
            outdated.setdefault(cost_center, []).append(day)
        names = warehouse.connection.sql("FROM dimension_names").pl() if outdated else pl.DataFrame()
    for cost_center, days in sorted(outdated.items()):
        with store.writing(DAILY_COSTS.name, cost_center, days=ChangedDays(frozenset(days))) as connection:
            rename(connection, names)


def rename(connection: duckdb.DuckDBPyConnection, names: pl.DataFrame) -> None:
    """Give the rows of `daily_costs` these names (as `dimension_names` has them) and today's kinds of actors."""
    with transaction(connection):
        connection.register("newest_names", names)
        try:
            connection.execute(sql("costs/newer_names"))
        finally:
            connection.unregister("newest_names")
        for statement in ("costs/rename", "costs/rename_actors"):
            connection.execute(sql(statement))
