"""A real S3 server on loopback (moto), whose requests can be watched, refused, delayed or lost."""

import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.request import Request, urlopen

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

Environ = dict[str, Any]
# What a fault answers in place of the server: status line and body, or None to let the request pass.
Fault = Callable[[str, str], tuple[str, bytes] | None]

REFUSED = ("403 Forbidden", b"<Error><Code>AccessDenied</Code><Message>canary-signature</Message></Error>")
AWAY = ("503 Service Unavailable", b"<Error><Code>SlowDown</Code></Error>")


@dataclass
class S3Server:
    """Requests are answered one by one: moto itself would let two conditional writes pass at once.

    `before` sees method and path of each request and may answer it; `after` sees them once the request is done, and may
    put another answer in place of its own. `before_request` may change a request. `ahead` sets the store's clock.
    """

    port: int = 0
    before: Fault | None = None
    after: Fault | None = None
    before_request: Callable[[Environ], object] | None = None
    ahead: timedelta = timedelta()
    requests: list[tuple[str, str]] = field(default_factory=list)
    _written_ahead: dict[str, timedelta] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _app: Any = field(default_factory=lambda: DomainDispatcherApplication(create_backend_app))

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        """Answer one request, as WSGI."""
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append((method, path))
        if self.before_request:
            self.before_request(environ)
        if self.before and (answer := self.before(method, path)):
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            return _answered(start_response, answer)
        started: list[Any] = []
        with self._lock:
            body = list(self._app(environ, lambda *arguments: started.append(arguments)))
            if method == "PUT":
                self._written_ahead[path] = self.ahead
        if self.after and (answer := self.after(method, path)):
            return _answered(start_response, answer)
        status, headers, *_ = started[-1]
        start_response(status, [(name, self._by_its_clock(path, name, value)) for name, value in headers])
        return body

    def _by_its_clock(self, path: str, name: str, value: str) -> str:
        ahead = self._written_ahead.get(path)
        if not ahead or name.lower() != "last-modified":
            return value
        return format_datetime(parsedate_to_datetime(value) + ahead, usegmt=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def calm(self) -> None:
        """End all faults and forget the requests so far."""
        self.before = self.after = self.before_request = None
        self.ahead = timedelta()
        self.requests.clear()

    def new_bucket(self) -> str:
        """Make a bucket and return its name."""
        name = f"lake-{uuid.uuid4().hex[:12]}"
        urlopen(Request(f"{self.url}/{name}", method="PUT")).close()
        return name

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which clients find it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "canary-secret",
            "AWS_REGION": "us-east-1",
        }


def _answered(start_response: Any, answer: tuple[str, bytes]) -> Iterable[bytes]:
    status, body = answer
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run a server on a free port."""
    application = S3Server()
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=_quiet())
    application.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield application
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _quiet() -> Any:
    from werkzeug.serving import WSGIRequestHandler

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, type: str, message: str, *args: Any) -> None:
            """Write nothing."""

    return Quiet
