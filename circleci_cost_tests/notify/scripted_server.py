"""An SMTP server that answers by a script, stage by stage, and keeps every line that it receives."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread
from types import TracebackType
from typing import TypeAlias

from circleci_cost_tests.notify.mailbox import server_tls

# All bytes of an answer, or a function from the lines received so far to its pieces (which may never end).
Answer: TypeAlias = bytes | Callable[[list[bytes]], Iterable[bytes]]
BANNER, END_OF_DATA, LOGIN_LINE = "banner", "end of data", "a line of a login"
_WELL: Mapping[str, Answer] = {
    BANNER: b"220 scripted",
    "EHLO": b"250-scripted\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS",
    "HELO": b"250 scripted",
    "STARTTLS": b"220 go ahead",
    "AUTH": b"235 2.7.0 welcome",
    "MAIL": b"250 2.1.0 ok",
    "RCPT": b"250 2.1.5 ok",
    "DATA": b"354 go on",
    END_OF_DATA: b"250 2.0.0 queued",
    "RSET": b"250 ok",
    "QUIT": b"221 bye",
    LOGIN_LINE: b"500 5.5.1 what?",
}


class ScriptedServer:
    """Listens on this machine while the `with` block lasts; an empty answer, or one with 421, closes the connection."""

    def __init__(self, script: Mapping[str, Answer], *, tls: bool = False) -> None:
        self.lines: list[bytes] = []
        handler = _conversation({**_WELL, **script}, self.lines, tls=tls)
        self._server = ThreadingTCPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _conversation(script: Mapping[str, Answer], lines: list[bytes], *, tls: bool) -> type[StreamRequestHandler]:
    class Conversation(StreamRequestHandler):
        """One client."""

        def handle(self) -> None:
            # The client may leave whenever it has heard enough.
            with suppress(OSError):
                if tls:
                    self._begin_tls()
                if not self._says(BANNER).startswith(b"220"):
                    return
                while (stage := self._hears()) and not self._ends(stage, self._says(stage)):
                    pass

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def _begin_tls(self) -> None:
            self.connection = server_tls().wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)

        def _hears(self) -> str:
            line = self.rfile.readline()
            if not line:
                return ""
            lines.append(line)
            command = line.split()[0].decode("latin-1").upper()
            return command if command in script else LOGIN_LINE

        def _ends(self, stage: str, reply: bytes) -> bool:
            if stage == "STARTTLS" and reply.startswith(b"220"):
                self._begin_tls()
            if stage == "DATA" and reply.startswith(b"354"):
                while self.rfile.readline() not in {b".\r\n", b""}:
                    pass
                reply = self._says(END_OF_DATA)
            return stage == "QUIT" or reply[:3] in {b"", b"421"}

        def _says(self, stage: str) -> bytes:
            answer = script[stage]
            if isinstance(answer, bytes):
                if answer:
                    self.wfile.write(answer + b"\r\n")
                return answer
            reply = b""
            for reply in answer(lines):
                self.wfile.write(reply)
            return reply

    return Conversation
