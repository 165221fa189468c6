"""Serves the explorer on a socket of this machine, until it is stopped."""

from types import TracebackType

from circleci_cost.explorer.app import build_app
from circleci_cost.explorer.explorer import Explorer
from circleci_cost.explorer.protocol import ExplorerProtocol
from circleci_cost.http.server import ThreadedServer


class ExplorerServer:
    """Serves an explorer while the `with` block lasts. `port` 0 takes a free one."""

    def __init__(self, explorer: Explorer, host: str = "127.0.0.1", port: int = 0) -> None:
        self._explorer = explorer
        self._server = ThreadedServer(build_app(explorer), host, port, "explorer", ExplorerProtocol)

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return self._server.origin

    def start(self) -> None:
        """Start listening; return once requests are answered. OSError where the port is taken."""
        self._server.start()

    def wait(self) -> None:
        """Block until the server ends, as a command does."""
        self._server.wait()

    def stop(self) -> None:
        """End what is being answered, drop open connections, and return when the server has ended."""
        self._explorer.snapshots.stop()
        self._server.stop()
        # Those that came in between.
        self._explorer.snapshots.stop()
        self._explorer.snapshots.close()

    def __enter__(self) -> "ExplorerServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
