"""Serves an application of ours on a socket: uvicorn in a thread, which ends at once when it is stopped.

What the application answers is its own matter; the simulator and the explorer are served so.
"""

import asyncio
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


class QuietProtocol(H11Protocol):
    """HTTP/1.1 without uvicorn's own log: it would hold the queries of signed URLs, and who looked at what."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whatever the configuration says, uvicorn logs where some logger has a handler.
        self.access_log = False


class ThreadedServer:
    """A server in a thread named `name`, while the `with` block lasts; `port` 0 takes a free one."""

    def __init__(
        self, app: ASGIApp, host: str, port: int, name: str, protocol: type[QuietProtocol] = QuietProtocol
    ) -> None:
        self.host = host
        self.port = port
        self._app = app
        self._name = name
        self._protocol = protocol
        self._listener: socket.socket | None = None
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._ended = threading.Event()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    def start(self) -> None:
        """Start listening; return once requests are answered. OSError where the port is taken."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # asyncio turns Nagle's delay of 40 ms off only for sockets created with their protocol
        self._listener = listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            http=self._protocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            proxy_headers=False,  # applications read these headers and have to see which address sent them
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
        )
        self._server = _Server(config)
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, args=(self._server, listener), name=self._name, daemon=True)
        self._thread.start()
        while not (self._server.ready.wait(0.5) or self._ended.is_set()):
            pass

    def _run(self, server: "_Server", listener: socket.socket) -> None:
        try:
            # A Ctrl-C may have come before this thread.
            if not server.stop_requested:
                server.run(sockets=[listener])
        finally:
            self._ended.set()

    def stop(self) -> None:
        """Drop open connections and return when the thread has ended. However far the start is, it comes to nothing."""
        if self._server:
            self._server.request_stop()
        # One that is not alive yet cannot be joined; it ends by itself.
        if self._thread and self._thread.is_alive():
            self._thread.join(10)
        if self._listener:
            self._listener.close()
        self._server = self._thread = self._listener = None

    def wait(self) -> None:
        """Block until the server ends, as a command does."""
        # In slices: Polars' signal handler restarts system calls, so that a Ctrl-C would not end a long wait. Not by
        # `join`: Python 3.11 takes a thread for ended when a Ctrl-C interrupts that, and would exit beneath it.
        while self._thread and not self._ended.wait(0.5):
            pass

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Server(uvicorn.Server):
    """Uvicorn that reports when it is ready and ends at once instead of at its next tick."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self.stop_requested = False

    def request_stop(self) -> None:
        """End the server from another thread."""
        self.stop_requested = True
        if self._loop and self._stopping:
            # Its loop may be closed by now.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        """Serve until asked to stop."""
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        if self.stop_requested:
            self._stopping.set()
        await self.on_tick(0)
        self.ready.set()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener and abort all connections, hanging ones included."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        tasks = list(self.server_state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=5)
