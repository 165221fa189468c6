"""SMTP connections that end after a time: a server that sends a byte now and then beats every time-out of a socket.

What is said over a connection is `email`'s.
"""

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

# The deadline is to end a conversation; single steps are bounded for the case that it cannot, as in a handshake.
_GRACE_SECONDS = 1.0


class Deadline:
    """A context in which a conversation is held; it ends `seconds` after it was entered."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = threading.Event()
        self._conversation: smtplib.SMTP | None = None
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    @property
    def expired(self) -> bool:
        """Whether the time is over."""
        return self._expired.is_set()

    def check(self) -> None:
        """Raise `TimeoutError` where the time is over."""
        if self.expired:
            raise TimeoutError

    def connect(self, host: str, port: int) -> smtplib.SMTP:
        """Connect and read the greeting. Raises as `smtplib` does."""
        return _Smtp(self._watch, host, port, timeout=self._seconds + _GRACE_SECONDS)

    def connect_tls(self, host: str, port: int, context: ssl.SSLContext) -> smtplib.SMTP:
        """Connect with TLS and read the greeting. Raises as `smtplib` and `ssl` do."""
        return _SmtpOverTls(self._watch, host, port, timeout=self._seconds + _GRACE_SECONDS, context=context)

    def _watch(self, conversation: smtplib.SMTP) -> None:
        self._conversation = conversation

    def _expire(self) -> None:
        self._expired.set()
        connection = self._conversation.sock if self._conversation else None
        if connection is not None:
            # The plain socket's: TLS would first say good-bye to a server that does not listen.
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()


class _Smtp(smtplib.SMTP):
    """Tells of itself before it connects, which the constructor does."""

    def __init__(self, watch: Callable[[smtplib.SMTP], None], *address: Any, **options: Any) -> None:
        watch(self)
        super().__init__(*address, **options)


class _SmtpOverTls(smtplib.SMTP_SSL):
    """The same with TLS."""

    def __init__(self, watch: Callable[[smtplib.SMTP], None], *address: Any, **options: Any) -> None:
        watch(self)
        super().__init__(*address, **options)
