"""A simulator on a real socket, whose connections injected faults can reach.

The API itself belongs to `app`, serving to `http.server`.
"""

from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from circleci_cost.http.server import QuietProtocol, ThreadedServer
from circleci_cost.simulator.exchange import TRANSPORT
from circleci_cost.simulator.simulator import Simulator


class SimulatorServer(ThreadedServer):
    """Serves a simulator while the `with` block lasts. `port` 0 takes a free one."""

    def __init__(
        self, simulator: Simulator, host: str = "127.0.0.1", port: int = 0, public_url: str | None = None
    ) -> None:
        super().__init__(simulator, host, port, "usage-api-simulator", _Protocol)
        self.simulator = simulator
        self.public_url = public_url

    @property
    def base_url(self) -> str:
        """Return the API's base URL, which ends in /api/v2."""
        return f"{self.public_url or self.origin}/api/v2"


class _Protocol(QuietProtocol):
    """HTTP/1.1 that hands its transport to the app, for answers that break HTTP."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.app: ASGIApp = self._with_transport(self.app)

    def _with_transport(self, app: ASGIApp) -> ASGIApp:
        async def reachable(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = self.transport
            await app(scope, receive, send)

        return reachable
