"""Opens the warehouse: a DuckDB in memory that sees all tables, and may write those of one set.

Readers hold no lock and see one state of every set. Writers of one set take turns; those of different sets, and of
different cost centers, write at the same time.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

import duckdb

from circleci_cost.clock import Clock, SystemClock
from circleci_cost.database import connect, spill_into
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.layout import Lake, claim
from circleci_cost.lake.spill import new_spill
from circleci_cost.lake.turns import turn, writing_words
from circleci_cost.warehouse.core.actors import use_actors
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import tables_are_made
from circleci_cost.warehouse.tables.changed_days import ChangedDays
from circleci_cost.warehouse.tables.earlier_warehouse import take_over
from circleci_cost.warehouse.tables.manifests import Place, Snapshot, TableManifest, take_snapshot
from circleci_cost.warehouse.tables.schemas import statements, warehouse_tables
from circleci_cost.warehouse.tables.table_sets import MONTHLY_ORDER, NOTES, TABLE_SETS, TableSet
from circleci_cost.warehouse.tables.views import make_view, rows_of
from circleci_cost.warehouse.tables.writing import write_tables

DAMAGED = "Restore it from a backup; without one, `circleci-cost doctor --repair` has it made again from the job runs."


@dataclass(frozen=True)
class OpenWarehouse:
    """A connection that sees all tables, and the manifests that say which files these are."""

    connection: duckdb.DuckDBPyConnection
    snapshot: Snapshot


@dataclass(frozen=True)
class TableStore:
    """The tables of a data directory; `cost_centers` and the patterns `actors` are those of the configuration."""

    lake: Lake
    cost_centers: Sequence[str] | None = None
    actors: Mapping[str, str] | None = None
    config: Mapping[str, object] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock, repr=False)
    say: Callable[[str], object] | None = field(default=None, repr=False)

    @contextmanager
    def reading(self) -> Iterator[OpenWarehouse]:
        """See all tables as they are now. Raises `StorageError`."""
        self._prepare()
        with self._opened() as connection:
            snapshot = take_snapshot(self.lake)
            self._show(connection, snapshot, warehouse_tables())
            yield OpenWarehouse(connection, snapshot)

    @contextmanager
    def writing(
        self,
        name: str,
        cost_center: str = "",
        *,
        days: ChangedDays | Callable[[duckdb.DuckDBPyConnection], ChangedDays] | None = None,
        fence: Callable[[], object] = lambda: None,
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Let a connection write the tables of a set; on a clean exit they become the current ones, all together.

        The set's tables are tables of the connection, with their earlier rows (of this cost center, where each has its
        own; none for sets that are made anew). All others are read only. `days`, or what it says of the tables as they
        are, limits the rows of monthly tables to the months of the days that are changed. `fence` is called right
        before the tables become current. Raises `StorageError`.
        """
        self._prepare()
        place = Place(self.lake, TABLE_SETS[name], cost_center)
        lock = self.lake.table_lock(place.described.replace(" of ", "."))
        with turn(lock, self.say, writing_words(place.described)), self._opened() as connection:
            snapshot, replaced = take_snapshot(self.lake), place.read()
            changed = self._changed(snapshot, days)
            self._show(connection, snapshot, set(warehouse_tables()).difference(place.table_set.tables))
            self._load(connection, place.table_set, replaced, changed)
            yield connection
            months = changed.months if changed else None
            write_tables(connection, place, replaced, self.clock.now(), months=months, fence=fence)

    def _prepare(self) -> None:
        claim(self.lake)
        take_over(self.lake, self.say)

    @contextmanager
    def _opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        spill = new_spill(self.lake.spill)
        try:
            with closing(connect(config=self.config)) as connection:
                spill_into(connection, spill)
                names = {"names": None if self.cost_centers is None else list(self.cost_centers)}
                connection.execute("SET VARIABLE cost_centers = CAST($names AS VARCHAR[])", names)
                if self.actors is not None:
                    use_actors(connection, self.actors)
                connection.execute(sql("core/macros"))
                with storage_errors(self.lake.tables, "read", DAMAGED):
                    yield connection
        finally:
            shutil.rmtree(spill, ignore_errors=True)

    def _changed(
        self, snapshot: Snapshot, days: ChangedDays | Callable[[duckdb.DuckDBPyConnection], ChangedDays] | None
    ) -> ChangedDays | None:
        if not callable(days):
            return days
        with self._opened() as connection:
            self._show(connection, snapshot, warehouse_tables())
            return days(connection)

    def _show(self, connection: duckdb.DuckDBPyConnection, snapshot: Snapshot, tables: Iterable[str]) -> None:
        for table in tables:
            if table == NOTES:
                connection.execute(statements()[table])
                continue
            make_view(connection, self.lake.root, table, snapshot.of(table))
        for name, stamp in snapshot.stamps().items():
            connection.execute(f"INSERT INTO {NOTES} VALUES ($name, $stamp)", {"name": name, "stamp": stamp})  # noqa: S608 - our name
        tables_are_made(connection)

    def _load(
        self,
        connection: duckdb.DuckDBPyConnection,
        table_set: TableSet,
        replaced: TableManifest,
        changed: ChangedDays | None,
    ) -> None:
        for table in table_set.tables:
            connection.execute(statements()[table])
            files = [] if table_set.anew else replaced.of(table)
            where = ""
            if changed is not None and table in MONTHLY_ORDER:
                files = [file for file in files if file.month in changed.months]
                where = " WHERE NOT list_contains($anew, date)"
            if not files:
                continue
            rows = rows_of(connection, self.lake.root, table, files)
            parameters = {"anew": sorted(changed.anew)} if where and changed else {}
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM ({rows}){where}", parameters)  # noqa: S608
