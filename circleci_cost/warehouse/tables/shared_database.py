"""The database in memory whose views show the tables: the sessions of a process share it, one after the other.

It has the macros of all statements, too. To make the views of all tables takes 40 ms, and a run opens the warehouse
twenty times. Nothing is written into it: what a session writes are temporary tables of its own connection, see
`sessions`.
"""

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from circleci_cost.database import connect, spill_into
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.spill import new_spill
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.tables.manifests import Snapshot
from circleci_cost.warehouse.tables.schemas import schema_mark, warehouse_tables
from circleci_cost.warehouse.tables.table_sets import NOTES
from circleci_cost.warehouse.tables.views import NUMBERED, make_view


@dataclass
class _Database:
    """A database with a view of every table of a snapshot, and the number of sessions that use it now."""

    root: Path
    config: Mapping[str, object]
    process: int
    spill: Path
    connection: duckdb.DuckDBPyConnection
    snapshot: Snapshot
    sessions: int = 0

    def fits(self, lake: Lake, config: Mapping[str, object]) -> bool:
        """Whether it is of this process, directory and configuration; a database does not survive a fork."""
        return (self.process, self.root, self.config) == (os.getpid(), lake.root, config)

    def close(self) -> None:
        """Close it, once no session uses it."""
        if self.process == os.getpid():
            self.connection.close()
            shutil.rmtree(self.spill, ignore_errors=True)


_LOCK = threading.Lock()
_KEPT: list[_Database] = []


@contextmanager
def connected(lake: Lake, config: Mapping[str, object], snapshot: Snapshot) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection of its own that sees the tables of a snapshot, whatever becomes of them meanwhile.

    Raises what DuckDB raises for files that are not there or damaged.
    """
    with _LOCK:
        database = _database(lake, config, snapshot)
        database.sessions += 1
    try:
        with database.connection.cursor() as connection:
            yield connection
    finally:
        with _LOCK:
            database.sessions -= 1
            if not database.sessions and database not in _KEPT:
                database.close()


def _database(lake: Lake, config: Mapping[str, object], snapshot: Snapshot) -> _Database:
    """The kept database where it shows this snapshot or can be made to, else another one."""
    kept = _KEPT[0] if _KEPT else None
    if kept and kept.fits(lake, config):
        if kept.snapshot == snapshot:
            return kept
        if not kept.sessions and not _has_mixed_tables(kept.snapshot) and not _has_mixed_tables(snapshot):
            _show(kept, snapshot)
            return kept
    spill = new_spill(lake.spill)
    made = _Database(lake.root, config, os.getpid(), spill, connect(config=config), Snapshot({}))
    try:
        spill_into(made.connection, spill)
        # For all sessions: that of one connection would not be seen by the others.
        made.connection.execute(sql("core/macros").replace(" TEMPORARY ", " "))
        _show(made, snapshot)
    except BaseException:
        made.close()
        raise
    # The copies of objects that views read may be removed once they have not been asked for in a while.
    if (not kept or not kept.sessions) and not isinstance(lake.root, StorePath):
        for former in _KEPT:
            former.close()
        _KEPT[:] = [made]
    return made


def _has_mixed_tables(snapshot: Snapshot) -> bool:
    """Whether a table is shown as a table and not as a view, see `make_view`."""
    return any(file.columns != schema_mark(table) for table in NUMBERED for file in snapshot.of(table))


def _show(database: _Database, snapshot: Snapshot) -> None:
    """Make the views of the tables whose files are others than those of its present snapshot; all of a new database."""
    is_new = not database.snapshot.manifests
    former, database.snapshot = database.snapshot, snapshot
    try:
        for table in warehouse_tables():
            files = snapshot.of(table)
            if table == NOTES or (not is_new and files == former.of(table)):
                continue
            for name in (table, NUMBERED.get(table)):
                if name and not is_new:
                    database.connection.execute(f"DROP VIEW IF EXISTS {name}")
            make_view(database.connection, database.root, table, files)
    except BaseException:
        # What it shows now is of neither snapshot.
        if database in _KEPT:
            _KEPT.remove(database)
            database.close()
        raise
