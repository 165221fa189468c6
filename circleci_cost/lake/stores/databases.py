"""A small SQLite database as one object: read, changed in memory, and replaced if nobody else was first.

The tables and statements are those of the same file on a disk; they are their owners' business.
"""

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import TypeVar

from circleci_cost.errors import StorageError
from circleci_cost.lake.stores.failures import ChangedMeanwhileError
from circleci_cost.lake.stores.leases import require_leases
from circleci_cost.lake.stores.objects import ABSENT
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.stores.writes import write

_TRIES = 40
_LONGEST_PAUSE_SECONDS = 2.0
_T = TypeVar("_T")


def transact(
    path: StorePath, create: Callable[[sqlite3.Connection], object], change: Callable[[sqlite3.Connection], _T]
) -> _T:
    """Run `change` as one transaction and return what it returns; it is run anew where another process was first.

    `create` fills a new database. A transaction that changes nothing writes nothing. Raises `sqlite3.Error` for an
    object that is no database, whatever `change` raises, and `StorageError`.
    """
    for attempt in range(_TRIES):
        with suppress(ChangedMeanwhileError):
            with transaction(path, create) as database:
                result = change(database)
            return result
        # Ever longer, and by chance: those that compete are to drift apart.
        time.sleep(random.uniform(0, min(0.02 * 1.4**attempt, _LONGEST_PAUSE_SECONDS)))  # noqa: S311 - needs no secrecy
    raise StorageError(
        f"Other processes changed {path} {_TRIES} times while this one wanted to; nothing was lost. Run the same "
        "command again."
    )


@contextmanager
def transaction(path: StorePath, create: Callable[[sqlite3.Connection], object]) -> Iterator[sqlite3.Connection]:
    """One transaction, for those who take turns. Raises `ChangedMeanwhileError` where another process was first."""
    try:
        content, meta = path.location.read()
        version = meta.version
    except FileNotFoundError:
        content, version = b"", ABSENT
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        if content:
            database.deserialize(content)
        database.execute("begin immediate")
        if not content:
            create(database)
        before = database.total_changes
        yield database
        unchanged = bool(content) and database.total_changes == before
        database.execute("commit")
        if not unchanged:
            require_leases()
            write(path.location, database.serialize(), version)
