"""A small object store on loopback that answers as S3 does: listing, size and content of objects, and refusals."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "costs"
_XML = '<?xml version="1.0" encoding="UTF-8"?>'


class ObjectStore:
    """Objects by key, each with its bytes and the second of its last change; `refusal` is an S3 error for all."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.refusal: tuple[int, str] | None = None
        self.fetched: list[str] = []
        self.port = 0

    def put(self, key: str, content: bytes, at: int = 1_767_225_600) -> None:
        """Store an object."""
        self.objects[key] = (content, at)

    def address(self, path: str) -> str:
        """The address of a path in the bucket."""
        options = f"endpoint_override=127.0.0.1:{self.port}&scheme=http&region=us-east-1"
        return f"s3://anonymous@{BUCKET}/{path}?{options}"

    def listing(self, query: dict[str, list[str]]) -> bytes:
        """The answer to ListObjectsV2."""
        prefix, delimiter = (query.get(name, [""])[0] for name in ("prefix", "delimiter"))
        contents, folders = [], set()
        for key, (content, at) in sorted(self.objects.items()):
            rest = key.removeprefix(prefix)
            if not key.startswith(prefix):
                continue
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
                continue
            changed = f"2026-01-01T{at // 3600 % 24:02}:{at // 60 % 60:02}:{at % 60:02}.000Z"
            contents.append(
                f"<Contents><Key>{escape(key)}</Key><LastModified>{changed}</LastModified>"
                f"<Size>{len(content)}</Size></Contents>"
            )
        common = "".join(f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in folders)
        return (
            f"{_XML}<ListBucketResult><Name>{BUCKET}</Name><Prefix>{escape(prefix)}</Prefix>"
            f"<KeyCount>{len(contents)}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
            f"{''.join(contents)}{common}</ListBucketResult>"
        ).encode()


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Run an empty store on a free port."""
    store = ObjectStore()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def _answer(self, *, body: bool) -> None:
            parts = urlsplit(self.path)
            bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
            if store.refusal:
                status, code = store.refusal
                self._send(status, f"{_XML}<Error><Code>{code}</Code><Message>no</Message></Error>".encode(), body=body)
            elif bucket != BUCKET:
                self._send(404, f"{_XML}<Error><Code>NoSuchBucket</Code></Error>".encode(), body=body)
            elif not key:
                self._send(200, store.listing(parse_qs(parts.query)), body=body)
            elif key not in store.objects:
                self._send(404, f"{_XML}<Error><Code>NoSuchKey</Code></Error>".encode(), body=body)
            else:
                self._object(key, body=body)

        def _object(self, key: str, *, body: bool) -> None:
            content, at = store.objects[key]
            if body:
                store.fetched.append(key)
            wanted_range = self.headers.get("Range")
            first, last = 0, len(content) - 1
            if wanted_range:
                begin, _, end = wanted_range.removeprefix("bytes=").partition("-")
                first, last = int(begin), min(int(end or last), last)
            more = {"Content-Range": f"bytes {first}-{last}/{len(content)}"} if wanted_range else {}
            more["Last-Modified"] = formatdate(at, usegmt=True)
            self._send(206 if wanted_range else 200, content[first : last + 1], body=body, **more)

        def _send(self, status: int, content: bytes, *, body: bool, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *arguments: Any) -> None:
            """Keep the tests' output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        store.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield store
        finally:
            server.shutdown()
            thread.join()
