"""SMTP connections with a deadline that keep the server's reply to each command.

A server that sends a byte now and then never reaches the time-out of a socket, hence the deadline. `email_channel`
holds the conversation.
"""

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

# The deadline ends a conversation; single steps are bounded too, as it cannot end a TLS handshake.
_GRACE_SECONDS = 1.0
# A line of a reply has at most 512 bytes (RFC 5321, 4.5.3.1.5), and a reply has several.
MAX_REPLY_BYTES = 16_384
CONNECT, END_OF_DATA = "connection", "end of data"
_GOOD_BYES = {"RSET", "QUIT"}
_GOES_ON = 334  # asks for the next line of AUTH


class Reply(NamedTuple):
    """A reply of the server: to which command (`stage`), its code and its words."""

    stage: str
    code: int
    words: bytes


class ReplyTooLongError(Exception):
    """A reply went on for more than `MAX_REPLY_BYTES`.

    Not an `SMTPException`, which is an `OSError`: `smtplib` would take it for a broken connection.
    """


class Deadline:
    """A context in which a conversation is held; it ends `seconds` after it was entered.

    `hostname` is the client's name in its greeting. `replies` are all replies of the server so far.
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
        """Remember the conversation that the deadline has to end."""
        self._conversation = conversation

    def _expire(self) -> None:
        self._expired.set()
        connection = self._conversation.sock if self._conversation else None
        if connection is not None:
            # Shut down the plain socket: TLS would first wait to say good-bye to a silent server.
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
    """The stream of the server's replies; one reply has at most `MAX_REPLY_BYTES`."""

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
    """An SMTP client that registers with its deadline before the constructor connects, and records each reply there."""

    def __init__(self, deadline: Deadline, *address: Any, **options: Any) -> None:
        self._deadline = deadline
        self._stage = CONNECT
        self._is_sending = False
        deadline.watch(self)
        super().__init__(*address, **options)

    def putcmd(self, cmd: str, args: str = "") -> None:
        """Send a command and record it as the stage; lines of an AUTH dialogue belong to AUTH."""
        is_asked = self._stage == "AUTH" and self._deadline.replies[-1].code == _GOES_ON
        if not is_asked or cmd.upper() in _GOOD_BYES:
            self._stage = cmd.upper()
        super().putcmd(cmd, args)

    def send(self, s: Any) -> None:
        """Send; where the server has closed the connection, `close` first reads its last reply."""
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
            code, words = super().getreply()
        except ReplyTooLongError:
            self.close()
            raise
        stage, replies = self._stage, self._deadline.replies
        if stage == "DATA" and replies and replies[-1][:2] == ("DATA", 354):
            stage = END_OF_DATA
        # A reply to the good-bye changes nothing about the mail.
        if stage not in _GOOD_BYES:
            replies.append(Reply(stage, code, words))
        return code, words

    def close(self) -> None:
        """Close the connection; where sending failed, first read the reply that is left."""
        if self._is_sending:
            self._is_sending = False
            with suppress(OSError, ReplyTooLongError):
                self.getreply()
        super().close()


class _SmtpOverTls(_Smtp, smtplib.SMTP_SSL):
    """The same with TLS."""
