"""Objects served as Google Cloud Storage and Azure Blob Storage serve them: single objects and conditions on writes.

Written to the stores' documents, since no emulator of them can be had here; S3 has a whole server of its own.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

_BATCH = (
    "--batch\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\n\r\n\r\n--batch--\r\n"
)


class CloudServer(ThreadingHTTPServer):
    """Objects by path, each with its content, its generation and the mark of its writer."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.objects: dict[str, tuple[bytes, int, str]] = {}
        self.lock = threading.Lock()
        self.generation = 100
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which clients find it."""
        url = f"http://127.0.0.1:{self.server_port}"
        if self.kind == "gs":
            return {"STORAGE_EMULATOR_HOST": url}
        return {
            "AZURE_STORAGE_ENDPOINT": url,
            "AZURE_STORAGE_ACCOUNT_NAME": "company",
            "AZURE_STORAGE_ACCOUNT_KEY": "Y2FuYXJ5",
        }

    def refusal(self, path: str, headers: Message) -> int:
        """The status for a write whose condition does not hold; 0 where it does."""
        present = self.objects.get(path)
        generation = str(present[1]) if present else "0"
        wanted = headers.get("x-goog-if-generation-match")
        if self.kind == "gs":
            return 412 if wanted is not None and wanted != generation else 0
        if headers.get("if-none-match") == "*" and present:
            return 409
        match = headers.get("if-match")
        return 412 if match is not None and match != f'"{generation}"' else 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: CloudServer

    def log_message(self, *_: object) -> None:
        """Write nothing."""

    def do_PUT(self) -> None:
        server, path = self.server, self._path()
        content = self.rfile.read(int(self.headers.get("content-length") or 0))
        with server.lock:
            refused = server.refusal(path, self.headers)
            if not refused:
                server.generation += 1
                mark = self.headers.get("x-goog-meta-writer") or self.headers.get("x-ms-meta-writer") or ""
                server.objects[path] = (content, server.generation, mark)
        self._answer(refused or 201, path)

    def do_GET(self) -> None:
        path = self._path()
        self._answer(200 if path in self.server.objects else 404, path, body=self.command == "GET")

    do_HEAD = do_GET

    def do_DELETE(self) -> None:
        self.server.objects.pop(self._path(), None)
        self._answer(204, "")

    def do_POST(self) -> None:
        """Azure's batch, which removes one object here."""
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        (line,) = (line for line in body.splitlines() if line.startswith("DELETE "))
        self.server.objects.pop(unquote(urlsplit(line.split()[1]).path), None)
        self._respond(202, {"Content-Type": "multipart/mixed; boundary=batch"}, _BATCH.encode())

    def _path(self) -> str:
        return unquote(urlsplit(self.path).path)

    def _answer(self, status: int, path: str, *, body: bool = False) -> None:
        content, generation, mark = self.server.objects.get(path, (b"", 0, ""))
        headers = {"Last-Modified": formatdate(usegmt=True), "ETag": f'"{generation}"'}
        prefix = "x-goog" if self.server.kind == "gs" else "x-ms"
        headers |= {"x-goog-generation": str(generation), f"{prefix}-meta-writer": mark} if status < 300 else {}
        self._respond(status, headers, content if status == 200 else b"", body=body)

    def _respond(self, status: int, headers: dict[str, str], content: bytes, *, body: bool = True) -> None:
        self.send_response(status)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)


@contextmanager
def cloud_server(kind: str) -> Iterator[CloudServer]:
    """Run a store of a kind (`gs` or `az`) on a free port."""
    with CloudServer(kind) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
