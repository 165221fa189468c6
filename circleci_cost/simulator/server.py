"""A simulator on a real socket: uvicorn in a thread, whose connections injected faults can reach.

The API itself belongs to `app`.
"""

import asyncio
import socket
import threading
from types import TracebackType
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from circleci_cost.simulator.exchange import TRANSPORT
from circleci_cost.simulator.simulator import Simulator


class SimulatorServer:
    """Serves a simulator while the `with` block lasts. `port` 0 takes a free one."""

    def __init__(
        self, simulator: Simulator, host: str = "127.0.0.1", port: int = 0, public_url: str | None = None
    ) -> None:
        self.simulator = simulator
        self.host = host
        self.port = port
        self.public_url = public_url
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def origin(self) -> str:
        """Return scheme, host and port."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """Return the API's base URL, which ends in /api/v2."""
        return f"{self.public_url or self.origin}/api/v2"

    def start(self) -> None:
        """Start listening; return once requests are answered. OSError where the port is taken."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        # asyncio turns Nagle's delay of 40 ms off only for sockets created with their protocol
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
        except OSError:
            listener.close()
            raise
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self.simulator,
            http=_Protocol,
            loop="asyncio",
            ws="none",
            lifespan="off",
            proxy_headers=False,  # `forwarded` reads these headers and has to see which address sent them
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="usage-api-simulator", daemon=True
        )
        self._thread.start()
        self._server.ready.wait(10)

    def stop(self) -> None:
        """Drop open connections and return when the thread has ended."""
        if self._server and self._thread:
            self._server.request_stop()
            self._thread.join(10)
            self._server = self._thread = None

    def wait(self) -> None:
        """Block until the server ends, as a command does."""
        while self._thread and self._thread.is_alive():
            # In slices: Polars' signal handler restarts system calls, so that a Ctrl-C would not end a long wait.
            self._thread.join(0.5)

    def __enter__(self) -> "SimulatorServer":
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

    def request_stop(self) -> None:
        """End the server from another thread."""
        if self._loop and self._stopping:
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def main_loop(self) -> None:
        """Serve until asked to stop."""
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        await self.on_tick(0)
        self.ready.set()
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the listener and abort all connections, hanging ones included."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            if isinstance(connection, _Protocol):
                connection.transport.abort()
        tasks = list(self.server_state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=5)


class _Protocol(H11Protocol):
    """HTTP/1.1 that hands its transport to the app, for answers that break HTTP."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app: ASGIApp = self._with_transport(self.app)
        self.access_log = False  # uvicorn's own log would hold the queries of signed URLs

    def _with_transport(self, app: ASGIApp) -> ASGIApp:
        async def reachable(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = self.transport
            await app(scope, receive, send)

        return reachable
