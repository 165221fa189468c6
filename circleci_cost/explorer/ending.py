"""Ends the queries of a request before they are done: it took too long, its reader has left, or the server stops.

Here is how queries are ended; how long they may take, and what the reader is told, is for others to say.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

import duckdb

# An interrupt between two queries is lost, so it is repeated until the request has given up.
_AGAIN_SECONDS = 0.05


class Reason(StrEnum):
    """Why queries are ended."""

    TOO_SLOW = "too slow"
    READER_LEFT = "reader left"
    SERVER_STOPS = "server stops"


class Ending:
    """Whether and why the queries of one request are to end; asked for from any thread."""

    def __init__(self) -> None:
        """Begin without a reason."""
        self.reason: Reason | None = None
        self._wake = threading.Event()

    def ask(self, reason: Reason) -> None:
        """End what runs and what would still begin; the first reason stands."""
        self.reason = self.reason or reason
        self._wake.set()

    @contextmanager
    def watching(self, connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
        """Interrupt the queries of the block once an end is asked for, by itself after `seconds`."""
        done = threading.Event()

        def watch() -> None:
            if not self._wake.wait(seconds):
                self.ask(Reason.TOO_SLOW)
            while not done.wait(_AGAIN_SECONDS):
                connection.interrupt()

        thread = threading.Thread(target=watch, name="explorer-ending", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            self._wake.set()
            # Whoever closes the connection next must not meet an interrupt.
            thread.join()
