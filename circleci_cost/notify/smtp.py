"""SMTP connections that end after a time, and that keep what the server answers to each command.

A server that sends a byte now and then beats every time-out of a socket. What is said over a connection is `email`'s.
"""

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

# The deadline is to end a conversation; single steps are bounded for the case that it cannot, as in a handshake.
_GRACE_SECONDS = 1.0
# A line of a reply has at most 512 bytes (RFC 5321, 4.5.3.1.5); this is room for the most talkative server.
MAX_REPLY_BYTES = 16_384
CONNECT, END_OF_DATA = "connection", "end of data"
_GOOD_BYES = {"RSET", "QUIT"}
_GOES_ON = 334  # asks for the next line of AUTH


class Reply(NamedTuple):
    """What a server answered: to which command, with which code, in which words."""

    stage: str
    code: int
    said: bytes


class ReplyTooLongError(Exception):
    """A reply went on for more than `MAX_REPLY_BYTES`.

    No `SMTPException`, which is an `OSError`: `smtplib` would take it for a connection that broke.
    """


class Deadline:
    """A context in which a conversation is held; it ends `seconds` after it was entered.

    `hostname` is what the client calls itself in its greeting. `replies` is all that the server has answered.
    """

    def __init__(self, seconds: float, hostname: str) -> None:
        self._seconds = seconds
        self._hostname = hostname
        self.replies: list[Reply] = []
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
        return _Smtp(self, host, port, self._hostname, timeout=self._seconds + _GRACE_SECONDS)

    def connect_tls(self, host: str, port: int, context: ssl.SSLContext) -> smtplib.SMTP:
        """Connect with TLS and read the greeting. Raises as `smtplib` and `ssl` do."""
        seconds = self._seconds + _GRACE_SECONDS
        return _SmtpOverTls(self, host, port, self._hostname, timeout=seconds, context=context)

    def watch(self, conversation: smtplib.SMTP) -> None:
        """Take notice of the conversation to end."""
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


class _Bounded:
    """The server's side of the conversation, of which one reply may be only so long."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.left = MAX_REPLY_BYTES

    def readline(self, limit: int) -> bytes:
        line = self._file.readline(limit)
        self.left -= len(line)
        if self.left < 0 or len(line) == limit:
            raise ReplyTooLongError
        return line

    def close(self) -> None:
        self._file.close()


class _Smtp(smtplib.SMTP):
    """Tells of itself before it connects, which the constructor does, and of each reply."""

    def __init__(self, deadline: Deadline, *address: Any, **options: Any) -> None:
        self._deadline = deadline
        self._stage = CONNECT
        self._is_sending = False
        deadline.watch(self)
        super().__init__(*address, **options)

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Send a command, and keep which one it is; lines of an AUTH dialogue are part of it."""
        is_asked = self._stage == "AUTH" and self._deadline.replies[-1].code == _GOES_ON
        if not is_asked or cmd.upper() in _GOOD_BYES:
            self._stage = cmd.upper()
        super().putcmd(cmd, args)

    def send(self, s: Any) -> None:
        """Send; where the server has gone, `close` looks first for what it said before."""
        self._is_sending = self.sock is not None
        super().send(s)
        self._is_sending = False

    def getreply(self) -> tuple[int, bytes]:
        """Read and keep a reply. Raises `ReplyTooLongError`."""
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        if isinstance(self.file, _Bounded):
            self.file.left = MAX_REPLY_BYTES
        try:
            code, said = super().getreply()
        except ReplyTooLongError:
            self.close()
            raise
        stage, replies = self._stage, self._deadline.replies
        if stage == "DATA" and replies and replies[-1][:2] == ("DATA", 354):
            stage = END_OF_DATA
        # What is said at the good-bye has no part in what becomes of the mail.
        if stage not in _GOOD_BYES:
            replies.append(Reply(stage, code, said))
        return code, said

    def close(self) -> None:
        """Close the connection, after what is left to read where sending failed."""
        if self._is_sending:
            self._is_sending = False
            with suppress(OSError, ReplyTooLongError):
                self.getreply()
        super().close()


class _SmtpOverTls(_Smtp, smtplib.SMTP_SSL):
    """The same with TLS."""
