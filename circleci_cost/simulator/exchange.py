"""One request on its way to the app: what an action is given to answer it, in whatever way.

Which action is taken is `faults`'; what an action does is the business of whoever injects it.
"""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRANSPORT = "circleci_cost.transport"
"""Key of the connection's transport among the scope's extensions; `server` puts it there."""


class Exchange:
    """A request: the app that answers it as always, and the ASGI channel to the client.

    Whoever answers past `run` calls `record` just before anything is sent.
    """

    def __init__(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, record: Callable[[int | None], None]
    ) -> None:
        self.app = app
        self.scope = scope
        self.receive = receive
        self.send = send
        self._record = record
        self._recorded = False

    def record(self, status: int | None) -> None:
        """Put the request in the log, unless it is there; None for an answer without a status."""
        if not self._recorded:
            self._recorded = True
            self._record(status)

    async def run(self) -> None:
        """Let the app answer as always."""

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.record(message["status"])
            await self.send(message)

        await self.app(self.scope, self.receive, observed)
