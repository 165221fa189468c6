"""Opens the warehouse: a DuckDB in memory that sees all tables, and may write those of one set.

Readers hold no lock and see one state of every set. Writers of one set take turns; those of different sets, and of
different cost centers, write at the same time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from circleci_cost.assets import DAILY_COSTS
from circleci_cost.clock import Clock, SystemClock
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.layout import Lake, claim
from circleci_cost.lake.turns import turn, writing_words
from circleci_cost.warehouse.core.actors import use_actors
from circleci_cost.warehouse.core.transactions import tables_are_made
from circleci_cost.warehouse.tables.changed_days import ChangedDays
from circleci_cost.warehouse.tables.cost_files import use_cost_files
from circleci_cost.warehouse.tables.earlier_warehouse import take_over
from circleci_cost.warehouse.tables.manifests import Place, Snapshot, TableManifest, take_snapshot
from circleci_cost.warehouse.tables.schemas import make_temporary
from circleci_cost.warehouse.tables.shared_database import connected
from circleci_cost.warehouse.tables.table_sets import MONTHLY_ORDER, NOTES, TABLE_SETS, TableSet
from circleci_cost.warehouse.tables.views import rows_of
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
        snapshot = take_snapshot(self.lake)
        with self._seeing(snapshot) as connection:
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
        with turn(lock, self.say, writing_words(place.described)):
            snapshot, replaced = take_snapshot(self.lake), place.read()
            if callable(days):
                with self._seeing(snapshot) as reader:
                    days = days(reader)
            with self._seeing(snapshot) as connection:
                self._load(connection, place.table_set, replaced, days)
                yield connection
                months = days.months if days else None
                write_tables(connection, place, replaced, self.clock.now(), months=months, fence=fence)

    def _prepare(self) -> None:
        claim(self.lake)
        take_over(self.lake, self.say)

    @contextmanager
    def _seeing(self, snapshot: Snapshot) -> Iterator[duckdb.DuckDBPyConnection]:
        """See the tables of a snapshot as views, with the variables that statements use."""
        with (
            storage_errors(self.lake.tables, "read", DAMAGED),
            connected(self.lake, self.config, snapshot) as connection,
        ):
            names = {"names": None if self.cost_centers is None else list(self.cost_centers)}
            connection.execute("SET VARIABLE cost_centers = CAST($names AS VARCHAR[])", names)
            if self.actors is not None:
                use_actors(connection, self.actors)
            use_cost_files(connection, snapshot.of(DAILY_COSTS.name))
            make_temporary(connection, NOTES)
            if stamps := snapshot.stamps():
                notes = {"names": list(stamps), "stamps": list(stamps.values())}
                connection.execute(f"INSERT INTO {NOTES} SELECT unnest($names), unnest($stamps)", notes)
            tables_are_made(connection)
            yield connection

    def _load(
        self,
        connection: duckdb.DuckDBPyConnection,
        table_set: TableSet,
        replaced: TableManifest,
        changed: ChangedDays | None,
    ) -> None:
        for table in table_set.tables:
            # It hides the view of the same name, for this connection alone.
            make_temporary(connection, table)
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
