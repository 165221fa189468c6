"""The HTTP client that all callers use, over a real socket: what it must not do."""

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from circleci_cost.http.client import open_client


class Recorder(BaseHTTPRequestHandler):
    """Sets a cookie and redirects to itself; keeps the headers of each request."""

    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        self.seen.append({name.lower(): value for name, value in self.headers.items()})
        self.send_response(302)
        self.send_header("Set-Cookie", "session=canary")
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Write nothing to the terminal."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Recorder.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Recorder) as running:
        threading.Thread(target=running.serve_forever, args=[0.01], daemon=True).start()
        yield running
        running.shutdown()


def test_no_redirect_is_followed_no_cookie_kept_no_proxy_asked_and_nothing_logged(
    server: ThreadingHTTPServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    # Nobody listens there: a request that heeded it would fail.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with open_client("127.0.0.1", {"X-Kept": "yes"}, connect=5, read=5) as client:
        for _ in range(2):
            answer = client.get(f"http://127.0.0.1:{server.server_port}/path?signature=canary")
            assert answer.status_code == 302
    assert [(headers["x-kept"], headers.get("cookie")) for headers in Recorder.seen] == [("yes", None)] * 2
    assert not [record for record in caplog.records if record.name.startswith("http")]
