"""Injected failures of the connection: what breaks HTTP itself, written past the server.

Waits are real seconds, because the client's socket time-outs are. Answers that are good HTTP are `actions`'.
"""

import asyncio
import threading
import time
from dataclasses import dataclass, field
from typing import Literal

from circleci_cost.simulator.exchange import Exchange
from circleci_cost_tests.simulator_faults.conversation import Conversation, head_of

_STEP = 0.01


@dataclass(frozen=True)
class Drop:
    """Ends the connection at some point: orderly, or by a reset.

    Before the headers the app never sees the request, unless `answer_lost`: then it does its work first, so
    that a job is created whose id the client never learns.
    """

    when: Literal["before headers", "after headers", "mid-body"] = "before headers"
    reset: bool = False
    answer_lost: bool = False

    @property
    def name(self) -> str:
        """Return what the log calls it."""
        how = "reset" if self.reset else "drop"
        return f"{how}, answer lost" if self.answer_lost else f"{how} {self.when}"

    async def apply(self, exchange: Exchange) -> None:
        """End the connection."""
        conversation = Conversation(exchange)
        if self.when == "before headers":
            if self.answer_lost:
                await conversation.answer()
            else:
                # An end with bytes unread would be a reset.
                await conversation.arrived()
            conversation.record(None)
        else:
            answer = await conversation.answer()
            conversation.record(answer.status)
            conversation.write(head_of(answer, content_length=len(answer.body)))
            if self.when == "mid-body":
                conversation.write(answer.body[: len(answer.body) // 2])
        await conversation.close(reset=self.reset)


@dataclass(frozen=True)
class Hang:
    """Answers nothing for `seconds`, or until `release` is called, and then as always.

    The app has done its work before, so that a client which gives up a POST leaves a job behind; with
    `unprocessed` it does it afterwards.
    """

    seconds: float | None = None
    unprocessed: bool = False
    name: str = "hang"
    _released: threading.Event = field(default_factory=threading.Event, repr=False)

    def release(self) -> None:
        """Let all requests that hang go on; later ones do not hang."""
        self._released.set()

    async def apply(self, exchange: Exchange) -> None:
        """Wait, then answer; a client that goes away ends it."""
        conversation = Conversation(exchange)
        answer = None if self.unprocessed else await conversation.answer()
        conversation.record(answer.status if answer else None)
        until = None if self.seconds is None else time.monotonic() + self.seconds
        disconnected = asyncio.ensure_future(conversation.gone())
        try:
            while not self._released.is_set() and (until is None or time.monotonic() < until):
                await asyncio.wait((disconnected,), timeout=_STEP)
                if disconnected.done():
                    return
        finally:
            disconnected.cancel()
        await conversation.send(answer or await conversation.answer())


@dataclass(frozen=True)
class Drip:
    """Sends the headers at once and the body in pieces of `size` bytes, one every `interval` seconds.

    With `headers_too` the status line and the headers drip as well.
    """

    interval: float = 0.4
    size: int = 1
    headers_too: bool = False
    name: str = "drip"

    async def apply(self, exchange: Exchange) -> None:
        """Send slowly until all is sent or the client goes away."""
        conversation = Conversation(exchange)
        answer = await conversation.answer()
        conversation.record(answer.status)
        head = head_of(answer, content_length=len(answer.body))
        slow = head + answer.body if self.headers_too else answer.body
        if not self.headers_too:
            conversation.write(head)
        disconnected = asyncio.ensure_future(conversation.gone())
        try:
            for start in range(0, len(slow), self.size):
                conversation.write(slow[start : start + self.size])
                await asyncio.wait((disconnected,), timeout=self.interval)
                if disconnected.done():
                    return
        finally:
            disconnected.cancel()
        await conversation.close()


@dataclass(frozen=True)
class WrongLength:
    """States a Content-Length that is `by` bytes more (or, negative, less) than what is sent."""

    by: int

    @property
    def name(self) -> str:
        """Return what the log calls it."""
        return f"Content-Length {self.by:+d}"

    async def apply(self, exchange: Exchange) -> None:
        """Send all of the body under the wrong length."""
        conversation = Conversation(exchange)
        answer = await conversation.answer()
        conversation.record(answer.status)
        conversation.write(head_of(answer, content_length=max(0, len(answer.body) + self.by)) + answer.body)
        await conversation.close()


@dataclass(frozen=True)
class EarlyClose:
    """States no length at all and closes `missing` bytes before the end of the body."""

    missing: int = 100
    name: str = "no length, early close"

    async def apply(self, exchange: Exchange) -> None:
        """Send most of the body."""
        conversation = Conversation(exchange)
        answer = await conversation.answer()
        conversation.record(answer.status)
        conversation.write(head_of(answer, content_length=None))
        conversation.write(answer.body[: max(0, len(answer.body) - self.missing)])
        await conversation.close()
