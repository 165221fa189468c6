"""Gives the daily costs of all days the newest names, and the kinds of actors that the configuration says now.

A run of one cost center sees only its own names and rewrites only the months of its days: the rest is made up for
here, before anything is derived from the costs.
"""

from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from circleci_cost.assets import DAILY_COSTS
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost.warehouse.tables.changed_days import ChangedDays
from circleci_cost.warehouse.tables.manifests import take_snapshot
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost.warehouse.tables.table_sets import NEWEST_NAMES

# What was found current last, by data directory: every step of a run asks, and to open the warehouse takes 50 ms.
_CURRENT: dict[Path, object] = {}


def use_current_names(store: TableStore) -> None:
    """Rewrite the months that have outdated names or kinds of actors; where there are none, write nothing.

    Raises `StorageError`.
    """
    state = _state(store)
    if _CURRENT.get(store.lake.root) != state and not _rename_outdated(store):
        _CURRENT[store.lake.root] = state


def _state(store: TableStore) -> object:
    """What decides whether names are current: the files, each of which has a name of its own, and the patterns."""
    snapshot = take_snapshot(store.lake)
    files = frozenset(file.path for table in (DAILY_COSTS.name, NEWEST_NAMES) for file in snapshot.of(table))
    return files, sorted((store.actors or {}).items())


def _rename_outdated(store: TableStore) -> bool:
    """Rename what is outdated; say whether anything was."""
    with store.reading() as warehouse:
        outdated: dict[str, list[date]] = {}
        for cost_center, day in warehouse.connection.execute(sql("costs/outdated_names")).fetchall():
            outdated.setdefault(cost_center, []).append(day)
        names = warehouse.connection.sql("FROM dimension_names").pl() if outdated else pl.DataFrame()
    for cost_center, days in sorted(outdated.items()):
        with store.writing(DAILY_COSTS.name, cost_center, days=ChangedDays(frozenset(days))) as connection:
            rename(connection, names)
    return bool(outdated)


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
