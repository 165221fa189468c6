"""HTTP as the explorer speaks it: how long a client may take to ask and to read, and how many there may be.

What is asked, and who may ask it, is the application's matter.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import h11

from circleci_cost.explorer.headers import HEADERS
from circleci_cost.http.server import QuietProtocol

# A request is at most some KiB; whoever takes longer to send it holds a connection and nothing else.
ASKING_SECONDS = 20.0
# For a whole answer that is more than the buffers of the system take.
READING_SECONDS = 300.0
# Each is a file of this process, which may have 1,024 on most systems.
MOST_CONNECTIONS = 300
# Bugs are reported by `bugs`; uvicorn would log each malformed request, and tracebacks around the command's own output.
_LOGGER = logging.getLogger(__name__)
_LOGGER.setLevel(logging.CRITICAL)
_UNREADABLE = b"This is no HTTP request that can be answered: it is malformed, or its head is too long.\n"


class ExplorerProtocol(QuietProtocol):
    """One connection, which is closed where its client is too slow."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logger = _LOGGER
        self._asking: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection, or refuse it where there are too many."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
            return
        self._asking = self._abort_after(ASKING_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request; the time runs until it is there as a whole."""
        super().data_received(data)
        owes_more = self.conn.their_state in {h11.IDLE, h11.SEND_BODY}
        if not owes_more:
            self._asking = _cancel(self._asking)
        elif self._asking is None:
            self._asking = self._abort_after(ASKING_SECONDS)

    def pause_writing(self) -> None:
        """The client takes the answer more slowly than it is made."""
        super().pause_writing()
        self._reading = self._reading or self._abort_after(READING_SECONDS)

    def resume_writing(self) -> None:
        """The client has taken almost all."""
        super().resume_writing()
        self._reading = _cancel(self._reading)

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection."""
        self._asking, self._reading = _cancel(self._asking), _cancel(self._reading)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request, with the headers of all answers."""
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
        headers += [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
        events = (h11.Response(status_code=400, headers=headers, reason=b"Bad Request"), h11.Data(data=_UNREADABLE))
        for event in (*events, h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _abort_after(self, seconds: float) -> asyncio.TimerHandle:
        abort: Callable[[], None] = self.transport.abort
        return self.loop.call_later(seconds, abort)


def _cancel(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Stop a timer; return what stands for none."""
    if timer is not None:
        timer.cancel()
    return None
