"""Serves the explorer on a socket of this machine, until it is stopped."""

from circleci_cost.explorer.app import build_app
from circleci_cost.explorer.explorer import Explorer
from circleci_cost.explorer.protocol import ExplorerProtocol
from circleci_cost.http.server import ThreadedServer


class ExplorerServer(ThreadedServer):
    """Serves an explorer while the `with` block lasts. `port` 0 takes a free one."""

    def __init__(self, explorer: Explorer, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(build_app(explorer), host, port, "explorer", ExplorerProtocol)
        self._snapshots = explorer.snapshots

    def stop(self) -> None:
        """End what is being answered, drop open connections, and return when the server has ended."""
        self._snapshots.stop()
        super().stop()
        # Those that came in between.
        self._snapshots.stop()
        self._snapshots.close()
