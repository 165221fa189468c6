"""Ends a request that takes too long in real time, even one whose bytes all arrive within the read time-out.

Measured: a server that sends one byte every 0.4 s keeps httpx waiting for ever, in the headers too.
"""

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any


class Watchdog:
    """A context in which a request is sent; `trace` goes into the request's extensions."""

    def __init__(self, seconds: float) -> None:
        self.expired = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note each connection as httpcore opens it (its documented `trace` extension)."""
        if event != "connection.connect_tcp.complete":
            return
        # A duplicate stays valid when TLS takes the original over; shutting it down ends both.
        duplicate = info["return_value"].get_extra_info("socket").dup()
        with self._lock:
            self._sockets.append(duplicate)
        if self.expired:
            self._expire()

    def _expire(self) -> None:
        self.expired = True
        with self._lock:
            for connection in self._sockets:
                # The other side may have closed it meanwhile, which ends the request just as well.
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "Watchdog":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for connection in self._sockets:
                connection.close()
            self._sockets.clear()
