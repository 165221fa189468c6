"""Has each of Dagster's SQL statements compiled once in a process, not once for each of its thousand SQLite engines.

How long the files stay open is the subject of `held_files`; an engine of PostgreSQL lives long and needs nothing.
"""

import functools
from typing import Any

from sqlalchemy import event
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite import pysqlite
from sqlalchemy.engine import Connection, Engine


class SharedDialect(pysqlite.dialect):
    """SQLite's dialect; all of them are the same, so that one finds what another has compiled."""

    supports_statement_cache = True

    def __eq__(self, other: object) -> bool:
        """Dagster configures all of them alike."""
        return type(other) is type(self)

    def __hash__(self) -> int:
        """As equal ones have to."""
        return hash(type(self))


@functools.cache
def share_statements() -> None:
    """Let the SQLite engines that are made from now on in this process share what they compile.

    Dagster makes an engine for each statement of a run's events. Compiling takes a third of an event's processor time.
    """
    compiled: dict[Any, Any] = {}

    def connected(connection: Connection) -> None:
        if isinstance(connection.dialect, SharedDialect):
            connection.execution_options(compiled_cache=compiled)

    registry.register("sqlite", __name__, SharedDialect.__name__)
    event.listen(Engine, "engine_connect", connected)
