"""Requests byte by byte, as no client library would send them."""

import socket
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class RawAnswer:
    """An answer as it came: status, headers in lower case, and the rest."""

    status: int
    headers: dict[str, str]
    body: str


def ask_raw(origin: str, request: bytes, seconds: float = 20) -> RawAnswer | None:
    """Send bytes and read until the server closes the connection; None where it said nothing."""
    with connected(origin, seconds) as connection:
        # It may answer before it has read all.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        return read_answer(connection)


def connected(origin: str, seconds: float = 20) -> socket.socket:
    """A connection to a server on this machine."""
    parts = urlsplit(origin)
    assert parts.hostname and parts.port
    return socket.create_connection((parts.hostname, parts.port), timeout=seconds)


def read_answer(connection: socket.socket) -> RawAnswer | None:
    """What the server says until it closes the connection."""
    received = b""
    # What came before a reset counts.
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    if not received:
        return None
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return RawAnswer(int(first.split()[1]), headers, body.decode("utf-8", "replace"))


def get(path: str = "/data", *headers: str) -> bytes:
    """A GET whose headers are these alone, after which the server closes the connection."""
    lines = [f"GET {path} HTTP/1.1", *headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")
