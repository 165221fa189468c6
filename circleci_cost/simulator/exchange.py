"""One request on its way to the app, as an injected action gets it to answer.

`faults` chooses the action; whoever injects an action defines what it does.
"""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRANSPORT = "circleci_cost.transport"
"""Key of the connection's transport among the scope's extensions; `server` puts it there."""


class Exchange:
    """A request: the app that would answer it as usual, and the ASGI channel to the client.

    Whoever answers without `run` calls `record` just before sending anything.
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
        """Log the request once; `status` is None for an answer without a status."""
        if not self._recorded:
            self._recorded = True
            self._record(status)

    async def run(self) -> None:
        """Let the app answer as usual."""

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.record(message["status"])
            await self.send(message)

        await self.app(self.scope, self.receive, observed)
