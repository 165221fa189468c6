"""A site of a few written pages on a free port of loopback, with the strict policy that the explorer's pages have."""

import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; require-trusted-types-for 'script'"
_KINDS = {".js": "text/javascript", ".css": "text/css"}


class SmallSite:
    """Serves `pages` and an empty icon while the `with` block lasts; other paths are not found.

    `pages` are texts by path, which a test may change meanwhile.
    """

    def __init__(self, pages: Mapping[str, str], policy: str | None = POLICY) -> None:
        self.pages = site = dict(pages)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = "" if self.path == "/favicon.ico" else site.get(self.path)
                self.send_response(404 if found is None else 200)
                kind = _KINDS.get(self.path[self.path.rfind(".") :], "text/html")
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                if policy:
                    self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(("<title>Not found</title>" if found is None else found).encode())

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "SmallSite":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
