"""Holds the SQLite files of Dagster open in the processes that execute runs: closing them is what makes events wait.

Where these files are is for `cli.instance` to say; what Dagster keeps in a PostgreSQL is not held.
"""

import functools
import sqlite3
import threading
from collections import OrderedDict
from contextlib import suppress
from enum import StrEnum

from sqlalchemy import event
from sqlalchemy.engine import Engine

# A process writes into the files of a few runs and of all runs; a sensor may look into those of hundreds.
_MOST = 16


class Durability(StrEnum):
    """When a change is on the disk: at once, with `write_back` at the end of a run, or when the system writes it.

    A killed process loses nothing in any case; a power cut may lose what is not on the disk.
    """

    EACH_CHANGE = "FULL"
    EACH_RUN = "NORMAL"
    NONE = "OFF"


@functools.cache
def hold_files(durability: Durability = Durability.EACH_CHANGE) -> "HeldFiles":
    """Hold each SQLite file that Dagster opens in this process from now on, the last 16 of them.

    Dagster opens and closes a connection for each event of a run. When the last one to a file is closed, SQLite moves
    the log of changes into the file and waits for the disk, 8 ms for each of the 800 changes of a sync. Nothing is less
    durable without that. Waiting for the disk at the end of a run only takes another half of an event's time.
    """
    held = HeldFiles(durability)
    event.listen(Engine, "connect", held.hold)
    return held


class HeldFiles:
    """Connections of our own, one to each file, that do nothing."""

    def __init__(self, durability: Durability) -> None:
        self._durability = durability
        self._lock = threading.Lock()
        self._held: OrderedDict[str, sqlite3.Connection] = OrderedDict()

    def hold(self, connection: object, _record: object) -> None:
        """Hold the file of a new connection."""
        if not isinstance(connection, sqlite3.Connection):
            return
        # A file that cannot be used is told by Dagster's own work on it.
        with self._lock, suppress(sqlite3.Error):
            ((_, _, path),) = connection.execute("PRAGMA database_list").fetchall()
            if path in self._held:
                self._held.move_to_end(path)
            elif path:
                self._open(path)
            if path in self._held or self._durability is Durability.NONE:
                connection.execute(f"PRAGMA synchronous = {self._durability}")

    def write_back(self) -> None:
        """Have all changes on the disk."""
        with self._lock, suppress(sqlite3.Error):
            for holding in self._held.values():
                holding.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Hold nothing any more."""
        with self._lock:
            while self._held:
                self._held.popitem()[1].close()

    def _open(self, path: str) -> None:
        holding = sqlite3.connect(path, check_same_thread=False)
        # Not before Dagster has made the file: from then on it has a log.
        if holding.execute("PRAGMA journal_mode").fetchone() != ("wal",):
            holding.close()
            return
        self._held[path] = holding
        if len(self._held) > _MOST:
            self._held.popitem(last=False)[1].close()
