"""The headers of every answer, whatever it is: a page, a file, a refusal, an error, or no HTTP at all."""

import dataclasses
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest
from starlette.requests import HTTPConnection

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import Settings
from circleci_cost.explorer.access import Access
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.app import build_app
from circleci_cost.explorer.explorer import open_explorer
from circleci_cost.explorer.page import Answer, Content, Page
from circleci_cost.explorer.protocol import ExplorerProtocol
from circleci_cost.explorer.rendering import static_files
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.http.server import ThreadedServer
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.raw_requests import ask_raw
from circleci_cost_tests.explorer.routes import ACTIONS, READING
from circleci_cost_tests.explorer.serving import Site, serving
from circleci_cost_tests.explorer.small_folder import configure, small_folder

EXPECTED = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
NEVER = {"set-cookie", "server", "x-powered-by", "access-control-allow-origin", "refresh"}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return small_folder(tmp_path_factory.mktemp("small"), [{"date": date(2026, 3, 10), "compute": 100}])


@pytest.fixture(scope="module")
def served(settings: Settings) -> Iterator[Site]:
    with serving(settings) as site:
        yield site


def require_headers(headers: httpx.Headers | dict[str, str]) -> None:
    assert {name: headers.get(name) for name in EXPECTED} == EXPECTED
    assert NEVER.isdisjoint(headers)


def test_f116_every_address_answers_with_all_headers_whatever_method_asks_for_it(served: Site) -> None:
    static = [static_files().address("explorer.css"), static_files().address("explorer.js"), "/static/x/none.js"]
    lost = ["/nowhere", "/runs/", "/static/", "/static/x/../../app.py", "/static/x/%2e%2e/app.py", "/favicon.ico"]
    with httpx.Client(base_url=served.origin, timeout=30) as client:
        for path in [*READING, *ACTIONS, *static, *lost, "/health"]:
            for method in ("GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "PATCH", "POST", "BREW"):
                answer = client.request(method, path)
                require_headers(answer.headers)
                if method not in {"GET", "HEAD", "POST"}:
                    assert answer.status_code in {404, 405}
                if answer.status_code == 405:
                    assert answer.headers["allow"]
                if method == "HEAD":
                    assert answer.content == b""
                if answer.status_code == 200 and path not in static:
                    assert answer.headers["cache-control"] == "private, no-cache"
        assert {client.get(path).status_code for path in static[:2]} == {200}
        assert {client.get(path).status_code for path in [*static[2:], *lost]} == {404}
        assert {client.post(path).status_code for path in READING} == {405}
        assert {client.get(path).status_code for path in ACTIONS} == {405}
    assert served.bugs == []


def test_each_kind_of_answer_says_what_it_is(served: Site) -> None:
    kinds = {
        "/": "text/html; charset=utf-8",
        "/?by=nonsense": "text/html; charset=utf-8",
        "/report.csv": "text/csv; charset=utf-8",
        "/api/report": "application/json",
        "/api/report?by=nonsense": "application/json",
        "/api/nowhere": "application/json",
        "/health": "text/plain; charset=utf-8",
        static_files().address("explorer.css"): "text/css; charset=utf-8",
        static_files().address("explorer.js"): "text/javascript; charset=utf-8",
        static_files().address("icon.svg"): "image/svg+xml",
    }
    with httpx.Client(base_url=served.origin, timeout=30) as client:
        assert {path: client.get(path).headers["content-type"] for path in kinds} == kinds


def test_health_needs_no_login_and_tells_nothing(settings: Settings) -> None:
    with serving(settings, access=dataclasses.replace(Access(), proxies=())) as site:
        answer = httpx.get(f"{site.origin}/health", headers={"Host": "10.1.2.3"}, timeout=60)
        assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1 more\r\nHost: localhost\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"GET /?" + b"a" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X-A: b\r\n" * 50_000 + b"\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"a" * 1_000_000 + b"\r\n\r\n",
    ],
    ids=lambda request: repr(request[:24]),
)
def test_what_is_no_request_gets_a_sentence_and_all_headers(
    served: Site, request_bytes: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = ask_raw(served.origin, request_bytes)
    assert answer is not None
    assert answer.status == 400
    assert answer.body == "This is no HTTP request that can be answered: it is malformed, or its head is too long.\n"
    require_headers(answer.headers)
    assert httpx.get(f"{served.origin}/health", timeout=60).text == "ok\n"
    # Whoever sends nonsense does not fill the log.
    assert capfd.readouterr() == ("", "")


def _broken(address: Address, snapshot: Snapshot) -> Answer:
    raise ValueError(f"a bug at {address.path}")


def _unknown_template(address: Address, snapshot: Snapshot) -> Answer:
    return Content("no-such-template.html", {})


class _NoRules(Access):
    def user_of(self, request: HTTPConnection) -> str:
        raise LookupError("a bug before any page")


@pytest.mark.parametrize(
    ("access", "found"), [(Access(), ["ValueError", "TemplateNotFound"]), (_NoRules(), ["LookupError"] * 2)]
)
def test_a_bug_is_an_answer_with_all_headers_without_a_traceback_and_is_reported(
    settings: Settings, access: Access, found: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    bugs: list[BaseException] = []
    explorer = open_explorer(settings, ManualClock(NOW), access, bugs.append)
    pages = [Page("a", "/a", "A", _broken), Page("b", "/api/b", "B", _unknown_template)]
    server = ThreadedServer(build_app(explorer, pages), "127.0.0.1", 0, "broken", ExplorerProtocol)
    server.start()
    try:
        for path in ("/a", "/api/b"):
            answer = httpx.get(server.origin + path, timeout=60)
            assert answer.status_code == 500
            assert "the log of `circleci-cost serve` has the details" in answer.text
            assert "Traceback" not in answer.text and "Error" not in answer.text
            require_headers(answer.headers)
    finally:
        server.stop()
        explorer.snapshots.close()
    assert [type(bug).__name__ for bug in bugs] == found
    assert capfd.readouterr() == ("", "")


def test_nothing_published_is_a_page_that_says_what_to_do_until_something_is(tmp_path: Path) -> None:
    with serving(configure(tmp_path)) as site, httpx.Client(base_url=site.origin, timeout=30) as client:
        for path in READING:
            answer = client.get(path)
            assert answer.status_code == 503
            assert "is published in" in answer.text and "Traceback" not in answer.text
            require_headers(answer.headers)
        small_folder(tmp_path, [{"date": date(2026, 3, 10), "compute": 100}])
        assert client.get("/").status_code == 200
        assert 503 not in {client.get(path).status_code for path in READING}
        assert site.bugs == []
