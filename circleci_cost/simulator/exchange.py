"""One request being answered: by the app, by an action that changes the answer, or on the bare connection.

Which action is taken is `faults`'; what an action does is the business of whoever injects it.
"""

import asyncio
import json
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRANSPORT = "circleci_cost.transport"
"""Key of the connection's transport among the scope's extensions; `server` puts it there."""


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def with_body(self, body: bytes, media_type: str | None = None) -> "Answer":
        """Return the answer with another body and a length that fits it."""
        dropped = {"content-length", "etag"} | ({"content-type"} if media_type else set())
        kept = [(key, value) for key, value in self.headers if key.lower() not in dropped]
        if media_type:
            kept.append(("content-type", media_type))
        return replace(self, headers=(*kept, ("content-length", str(len(body)))), body=body)

    @staticmethod
    def of_json(status: int, value: object) -> "Answer":
        """Return a JSON answer."""
        return Answer(status, (), b"").with_body(json.dumps(value).encode(), "application/json")


class Exchange:
    """A request and the ways to answer it. `record` is called once, just before anything is sent."""

    def __init__(
        self, app: ASGIApp, scope: Scope, receive: Receive, send: Send, record: Callable[[int | None], None]
    ) -> None:
        self.scope = scope
        self._app = app
        self._receive = receive
        self._send = send
        self._record = record
        self._recorded = False
        self._early: list[Message] = []

    def record(self, status: int | None) -> None:
        """Put the request in the log, unless it is there."""
        if not self._recorded:
            self._recorded = True
            self._record(status)

    async def run(self) -> None:
        """Let the app answer as always."""

        async def observed(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.record(message["status"])
            await self._send(message)

        await self._app(self.scope, self._receive, observed)

    async def answer(self) -> Answer:
        """Let the app do its work and return its answer instead of sending it."""
        status, body = 500, bytearray()
        headers: tuple[tuple[str, str], ...] = ()

        async def keep(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in message["headers"])
            else:
                body.extend(message.get("body", b""))

        await self._app(self.scope, self._receive_kept, keep)
        return Answer(status, headers, bytes(body))

    async def send(self, answer: Answer) -> None:
        """Send a well-formed answer."""
        self.record(answer.status)
        headers = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in answer.headers]
        await self._send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if self.scope["method"] == "HEAD" else answer.body
        await self._send({"type": "http.response.body", "body": body})

    def write(self, raw: bytes) -> None:
        """Put bytes on the connection as they are."""
        self._transport.write(raw)

    async def close(self, *, reset: bool = False) -> None:
        """End the connection once all is written: orderly, or by a reset. Returns when it is gone."""
        transport = self._transport
        while transport.get_write_buffer_size() and not transport.is_closing():
            await asyncio.sleep(0.001)
        if reset:
            connection = transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()
        else:
            transport.close()
        await self.gone()

    async def arrived(self) -> None:
        """Return when all of the request is here; it is kept for the app."""
        more = True
        while more:
            message = await self._receive()
            self._early.append(message)
            more = message.get("more_body", False)

    async def gone(self) -> None:
        """Return when the client has disconnected; a request's body that comes first is kept for the app."""
        while (message := await self._receive())["type"] != "http.disconnect":
            self._early.append(message)

    async def _receive_kept(self) -> Message:
        """Receive what was kept, then what comes."""
        return self._early.pop(0) if self._early else await self._receive()

    @property
    def _transport(self) -> asyncio.Transport:
        transport = self.scope.get("extensions", {}).get(TRANSPORT)
        if not isinstance(transport, asyncio.Transport):
            raise RuntimeError("faults of the connection need the SimulatorServer, not another ASGI server")
        return transport


def head_of(answer: Answer, *, content_length: int | None) -> bytes:
    """Write a status line and headers with the given length, or with none."""
    phrase = HTTPStatus(answer.status).phrase
    lines = [f"HTTP/1.1 {answer.status} {phrase}"]
    lines += [f"{key}: {value}" for key, value in answer.headers if key.lower() != "content-length"]
    lines += [] if content_length is None else [f"content-length: {content_length}"]
    return "\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1")
