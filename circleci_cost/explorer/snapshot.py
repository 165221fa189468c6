"""One request's view of the data: a published generation that stays the same until the answer is complete.

A publication in between is seen by the next request. Reading is all that this connection can do.
"""

import tempfile
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, cast

import duckdb

from circleci_cost.clock import Clock
from circleci_cost.config.settings import Settings
from circleci_cost.errors import CircleciCostError
from circleci_cost.explorer.ending import Ending, Reason
from circleci_cost.lake.layout import Lake
from circleci_cost.text.literals import sql_text
from circleci_cost.warehouse.publishing.generations import Generation, current_generation
from circleci_cost.warehouse.reporting.report import published_tags

Found = TypeVar("Found")
_LIMITS = {"memory_limit": "96MB", "threads": "2", "max_temp_directory_size": "4GB"}

# A query that is interrupted ends within milliseconds; a page that calculates, when it is done.
_PATIENCE_SECONDS = 10


class Facts:
    """What was found out about one generation and holds for all requests that read it."""

    def __init__(self) -> None:
        """Begin without any."""
        self._lock = threading.Lock()
        self._known: dict[Hashable, object] = {}

    def remembered(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """What `find` returned for this key, now or before."""
        with self._lock:
            if key in self._known:
                return cast(Found, self._known[key])
        found = find()
        with self._lock:
            self._known[key] = found
        return found


class EndedError(CircleciCostError):
    """A question that was ended before it was answered."""


class TooSlowError(EndedError):
    """A question that took longer than a page may wait."""


class TooLargeError(CircleciCostError):
    """A question that needs more memory, or more room on the disk, than a page may have."""


@dataclass(frozen=True)
class Snapshot:
    """A generation with a connection of its own, and the settings as they were when the request came."""

    generation: Generation
    connection: duckdb.DuckDBPyConnection
    settings: Settings
    lake: Lake
    clock: Clock
    facts: Facts

    @property
    def tags(self) -> list[str]:
        """The virtual tags of the generation."""
        return self.facts.remembered("tags", lambda: published_tags(self.connection, self.generation))

    @property
    def cost_centers(self) -> list[str]:
        """The names of the configured cost centers."""
        return [center.name for center in self.settings.cost_centers]


class Snapshots:
    """Gives each request its snapshot; keeps the current generation open, so that opening it again takes no time."""

    def __init__(self, lake: Lake, clock: Clock) -> None:
        """Nothing is opened yet."""
        self._lake = lake
        self._clock = clock
        self._lock = threading.Lock()
        self._is_idle = threading.Condition(self._lock)
        self._kept: tuple[str, duckdb.DuckDBPyConnection, Facts] | None = None
        self._running: set[Ending] = set()
        self._is_stopping = False
        self._spill = tempfile.TemporaryDirectory(prefix="circleci-cost-explorer-")

    @contextmanager
    def take(self, settings: Settings, ending: Ending | None = None) -> Iterator[Snapshot]:
        """The current generation for one request; `ending` is what its reader can end it by.

        Raises `NothingPublishedError`, `StorageError`, or `EndedError` and `TooLargeError` where the block's questions
        take too long, are ended, or need too much memory.
        """
        seconds = settings.explorer.query_seconds
        with self._counted(ending or Ending()) as watched:
            if watched.reason:
                raise _ended(watched.reason, seconds)
            generation = current_generation(self._lake)
            connection, facts = self._connect(generation)
            try:
                with watched.watching(connection, seconds):
                    yield Snapshot(generation, connection, settings, self._lake, self._clock, facts)
            except duckdb.InterruptException as error:
                if watched.reason is None:
                    raise
                raise _ended(watched.reason, seconds) from error
            except duckdb.OutOfMemoryException as error:
                raise TooLargeError(
                    "This needs more memory than a page may have; ask for fewer days or fewer groups."
                ) from error
            finally:
                connection.close()

    @property
    def running(self) -> frozenset[Ending]:
        """The requests that are being answered."""
        with self._lock:
            return frozenset(self._running)

    @contextmanager
    def _counted(self, ending: Ending) -> Iterator[Ending]:
        """Among the running ones, which `stop` ends."""
        with self._lock:
            self._running.add(ending)
            if self._is_stopping:
                ending.ask(Reason.SERVER_STOPS)
        try:
            yield ending
        finally:
            with self._lock:
                self._running.discard(ending)
                self._is_idle.notify_all()

    def stop(self) -> None:
        """End all questions, and those that still come; return when none runs: a process must not end in a query."""
        with self._lock:
            self._is_stopping = True
            for ending in self._running:
                ending.ask(Reason.SERVER_STOPS)
            self._is_idle.wait_for(lambda: not self._running, _PATIENCE_SECONDS)

    def _connect(self, generation: Generation) -> tuple[duckdb.DuckDBPyConnection, Facts]:
        with self._lock:
            name = generation.manifest.generation
            if self._kept is None or self._kept[0] != name:
                kept = generation.connect()
                self._limit(kept)
                if self._kept is not None:
                    # Requests that still read it have connections of their own.
                    self._kept[1].close()
                self._kept = (name, kept, Facts())
            return generation.connect_beside(self._kept[1]), self._kept[2]

    def _limit(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Bound what all connections of this generation use together; what exceeds it goes to a folder of ours."""
        for name, value in {**_LIMITS, "temp_directory": self._spill.name}.items():
            connection.execute(f"SET GLOBAL {name} = {sql_text(value)}")

    def close(self) -> None:
        """Close the generation that is kept open."""
        with self._lock:
            if self._kept is not None:
                self._kept[1].close()
                self._kept = None
        self._spill.cleanup()


def _ended(reason: Reason, seconds: float) -> EndedError:
    if reason is Reason.TOO_SLOW:
        return TooSlowError(
            f"This took longer than {seconds:g} seconds and was stopped; ask for fewer days or fewer groups."
        )
    return EndedError("This was stopped: nobody waits for it any more.")
