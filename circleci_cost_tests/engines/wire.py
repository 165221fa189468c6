"""A wire to a server that can be tampered with: it changes what is asked, falls silent, or is cut."""

import socket
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from types import TracebackType
from urllib.parse import urlsplit


class Wire:
    """Passes bytes on to the server at `url` while the `with` block lasts.

    `written` in what a client sends becomes `instead`, which has its length. Of the statements that hold `trigger`
    the first one is not passed on: the wire falls silent, or with `cut` breaks for good.
    """

    def __init__(
        self, url: str, *, written: bytes = b"", instead: bytes = b"", trigger: bytes = b"", cut: bool = False
    ) -> None:
        assert len(written) == len(instead)
        self._server = urlsplit(url)
        self._written, self._instead = written, instead
        self._trigger, self._cut = trigger, cut
        self._is_broken = False
        self.met = 0
        self._sockets: list[socket.socket] = []
        wire = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                wire._pass_on(self.request)

        self._listener = ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._listener.daemon_threads = True
        self._thread = Thread(target=self._listener.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The address of this end."""
        return f"sc://127.0.0.1:{self._listener.server_address[1]}"

    def __enter__(self) -> "Wire":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._break()
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()

    def _pass_on(self, client: socket.socket) -> None:
        if self._is_broken:
            return
        with (
            suppress(OSError),
            socket.create_connection((self._server.hostname or "", self._server.port or 0)) as server,
        ):
            self._sockets += [client, server]
            Thread(target=self._answer, args=(server, client), daemon=True).start()
            while data := client.recv(1 << 16):
                if self._trigger and self._trigger in data:
                    if self._cut:
                        self._break()
                    continue
                self.met += self._written in data
                server.sendall(data.replace(self._written, self._instead) if self._written else data)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(1 << 16):
                client.sendall(data)

    def _break(self) -> None:
        self._is_broken = True
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
