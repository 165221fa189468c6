"""The outbox's SQLite file: its tables, and transactions that are on disk, or in the store, when they end.

`outbox` gives the rows their meaning.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import overload

from circleci_cost.errors import StorageError
from circleci_cost.lake.files import atomic_path
from circleci_cost.lake.own_files import require_own_database
from circleci_cost.lake.stores.databases import transaction
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.turns import turn

FORMAT = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BUSY_SECONDS = 30.0
# Times are microseconds since 1970, UTC. `delivered_to` is a JSON list of recipients.
_TABLES = (
    """
create table messages (
    id text primary key,
    event text not null,
    subject text not null,
    period text not null,
    threshold text not null,
    content text not null,
    created_at integer not null
)""",
    """
create table deliveries (
    message_id text not null references messages,
    channel text not null,
    state text not null default 'pending',
    attempts integer not null default 0,
    delivered_to text not null default '[]',
    last_error text,
    created_at integer not null,
    next_attempt_at integer not null,
    ended_at integer,
    claim text,
    lease_until integer,
    primary key (message_id, channel)
)""",
    "create index deliveries_due on deliveries (channel, state)",
    f"pragma user_version = {FORMAT}",
)


class OutboxFile:
    """The file at `path`, created by its first transaction."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One immediate transaction on a connection of its own: safe over threads, forks and kills.

        Raises `StorageError` where the file is damaged, cannot be written, or is of a newer version.
        """
        try:
            if isinstance(self._path, StorePath):
                with turn(self._path.with_suffix(".lock")), transaction(self._path, _fill) as file:
                    self._check(file)
                    yield file
                return
            require_own_database(self._path)
            if not self._path.exists():
                self._create()
            with closing(sqlite3.connect(self._path, timeout=_BUSY_SECONDS, isolation_level=None)) as file:
                # A mark must survive a power cut, or the message would be sent again.
                file.execute("pragma synchronous = full")
                file.execute("begin immediate")
                self._check(file)
                yield file
                file.execute("commit")
        except sqlite3.OperationalError as error:
            raise StorageError(
                f"The outbox {self._path} cannot be used ({error}); no message was lost. Make it writable, free space "
                "on its disk, or end what keeps it locked, then try again."
            ) from None
        except sqlite3.Error as error:
            raise self.damaged(str(error)) from None

    def damaged(self, reason: str) -> StorageError:
        """The error to raise for a damaged file."""
        return StorageError(
            f"The outbox {self._path} is damaged ({reason}); it was left as it is. Restore it from a backup, or move "
            "it away: messages that were waiting in it are lost then, and current ones may be sent once more."
        )

    def _create(self) -> None:
        """Create the file aside and rename it: SQLite does not wait for another process that switches it to WAL."""
        with turn(self._path.with_suffix(".lock")):
            if self._path.exists():
                return
            with (
                atomic_path(self._path) as temporary,
                closing(sqlite3.connect(temporary, isolation_level=None)) as file,
            ):
                file.execute("pragma journal_mode = wal")
                _fill(file)

    def _check(self, file: sqlite3.Connection) -> None:
        (version,) = file.execute("pragma user_version").fetchone()
        if version > FORMAT:
            raise StorageError(
                f"The outbox {self._path} has format {version}, this version of circleci_cost reads up to {FORMAT}; "
                "nothing was sent. Use the newer version."
            )
        if version < FORMAT:
            raise self.damaged("it is not an outbox")


def _fill(file: sqlite3.Connection) -> None:
    for statement in _TABLES:
        file.execute(statement)


@overload
def ticks(value: datetime) -> int: ...
@overload
def ticks(value: timedelta) -> int: ...
def ticks(value: datetime | timedelta) -> int:
    """A time (since 1970, UTC) or a span in whole microseconds."""
    span = value - _EPOCH if isinstance(value, datetime) else value
    return span // timedelta(microseconds=1)


def moment(count: int) -> datetime:
    """The UTC time of a number of ticks since 1970."""
    return _EPOCH + timedelta(microseconds=count)
