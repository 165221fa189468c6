"""Dagster's event log in SQLite, written in batches: the events of a year of partitions in one transaction, not each.

Dagster batches the events that a run plans, and those of an output of many partitions, where DAGSTER_EVENT_BATCH_SIZE
asks for it; of its own storages only PostgreSQL's then writes them at once. The files are those of Dagster's
`SqliteEventLogStorage`: a process without this one reads and writes them as well.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, BATCH_WRITABLE_EVENTS
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

# The events of a batch are in memory until its last one is there: some KB each.
BATCH_SIZE = 1000
_BATCH_SIZE_VARIABLE = "DAGSTER_EVENT_BATCH_SIZE"


def ask_for_batches() -> None:
    """Have Dagster hand events over in batches, unless the environment says how many; PostgreSQL takes them at once."""
    os.environ.setdefault(_BATCH_SIZE_VARIABLE, str(BATCH_SIZE))


def open_batched_instance() -> dg.DagsterInstance:
    """Open the instance at DAGSTER_HOME so that batches of events are written as such.

    An instance that keeps its record elsewhere than in SQLite is opened as it is.
    """
    ask_for_batches()
    ref = InstanceRef.from_dir(os.environ["DAGSTER_HOME"])
    storage = ref.storage_data
    if storage is None or storage.class_name != DagsterSqliteStorage.__name__:
        return dg.DagsterInstance.from_ref(ref)
    batched = ConfigurableClassData(__name__, BatchedStorage.__name__, storage.config_yaml)
    return dg.DagsterInstance.from_ref(ref._replace(storage_data=batched))


def gathering_events(instance: dg.DagsterInstance) -> AbstractContextManager[None]:
    """Store the events of assets that are logged meanwhile at the end, as batches, where the instance can."""
    log = instance.event_log_storage
    return log.gathering() if isinstance(log, BatchedEventLog) else nullcontext()


def _is_batchable(event: dg.EventLogEntry) -> bool:
    return event.is_dagster_event and event.dagster_event_type in BATCH_WRITABLE_EVENTS


def _key_of(inserted: Any) -> int:
    (key,) = inserted.inserted_primary_key
    return int(key)


class BatchedEventLog(SqliteEventLogStorage):
    """Dagster's SQLite event log, with batches in one transaction a file."""

    _gathered: list[dg.EventLogEntry] | None = None

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store an event: at once, or at the end of `gathering`."""
        if self._gathered is not None and _is_batchable(event):
            self._gathered.append(event)
        else:
            super().store_event(event)

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events as `store_event` would one by one: in the file of their run, and in the file of all runs."""
        if len({event.run_id for event in events}) != 1 or not all(_is_batchable(event) for event in events):
            super().store_event_batch(events)
            return
        inserts = [self.prepare_insert_event(event) for event in events]
        with self.run_connection(events[0].run_id) as connection:
            for insert in inserts:
                connection.execute(insert)
        with self.index_transaction() as connection:
            ids = [_key_of(connection.execute(insert)) for insert in inserts]
            stored = list(zip(events, ids, strict=True))
            of_assets = [(event, number) for event, number in stored if event.dagster_event_type in ASSET_EVENTS]
            if of_assets:
                self._store_asset_event_tags(connection, *zip(*of_assets, strict=True))
            # What is kept of an asset is its last event of a kind.
            last = {
                (event.dagster_event_type, event.get_dagster_event().asset_key): (event, number)
                for event, number in of_assets
            }
            for event, number in last.values():
                self._store_asset_event(connection, event, number)
        for event, number in stored:
            if event.dagster_event_type in ASSET_CHECK_EVENTS:
                self.store_asset_check_event(event, number)

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Store the asset events that are logged meanwhile as one batch, at the end; after an error too."""
        self._gathered = []
        try:
            yield
        finally:
            gathered, self._gathered = self._gathered, None
            for begin in range(0, len(gathered), BATCH_SIZE):
                self.store_event_batch(gathered[begin : begin + BATCH_SIZE])


class BatchedStorage(DagsterSqliteStorage):
    """Dagster's storage in SQLite, with the event log above."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        # Where the files are is for Dagster to say.
        runs = Path(self._event_log_storage.path_for_shard("any")).parent
        self._event_log_storage = BatchedEventLog(str(runs))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "BatchedStorage":
        """Open the storage; Dagster calls this."""
        return cls(inst_data=inst_data, **config_value)
