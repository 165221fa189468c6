"""The ways to answer a request otherwise: with a changed answer of the app's, or on the bare connection.

The request itself is the simulator's `Exchange`; what is answered is the actions'.
"""

import asyncio
import socket
import struct
from dataclasses import dataclass, replace
from http import HTTPStatus

from starlette.types import Message

from circleci_cost.simulator.exchange import TRANSPORT, Exchange


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def with_body(self, body: bytes, media_type: str | None = None) -> "Answer":
        """Return the answer with another body and a length that fits it."""
        dropped = {"content-length", "etag"} | ({"content-type"} if media_type else set())
        kept = [(key, value) for key, value in self.headers if key.lower() not in dropped]
        if media_type:
            kept.append(("content-type", media_type))
        return replace(self, headers=(*kept, ("content-length", str(len(body)))), body=body)


class Conversation:
    """What an action does with a request, from its arrival to the end of the connection."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._early: list[Message] = []

    def record(self, status: int | None) -> None:
        """Put the request in the log, unless it is there."""
        self._exchange.record(status)

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

        await self._exchange.app(self._exchange.scope, self._receive_kept, keep)
        return Answer(status, headers, bytes(body))

    async def send(self, answer: Answer) -> None:
        """Send a well-formed answer."""
        self.record(answer.status)
        headers = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in answer.headers]
        await self._exchange.send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if self._exchange.scope["method"] == "HEAD" else answer.body
        await self._exchange.send({"type": "http.response.body", "body": body})

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
            message = await self._exchange.receive()
            self._early.append(message)
            more = message.get("more_body", False)

    async def gone(self) -> None:
        """Return when the client has disconnected; a request's body that comes first is kept for the app."""
        while (message := await self._exchange.receive())["type"] != "http.disconnect":
            self._early.append(message)

    async def _receive_kept(self) -> Message:
        """Receive what was kept, then what comes."""
        return self._early.pop(0) if self._early else await self._exchange.receive()

    @property
    def _transport(self) -> asyncio.Transport:
        transport = self._exchange.scope.get("extensions", {}).get(TRANSPORT)
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
