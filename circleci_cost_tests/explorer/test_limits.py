"""What one client can take of the server: time, threads, connections; and that the others are answered meanwhile."""

import dataclasses
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date

import httpx
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.config.explorer import Explorer as Section
from circleci_cost.config.settings import Settings
from circleci_cost.explorer import protocol, turns
from circleci_cost.explorer.access import Access
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.app import build_app
from circleci_cost.explorer.explorer import Explorer, open_explorer
from circleci_cost.explorer.page import Answer, Json, Page
from circleci_cost.explorer.pages import PAGES
from circleci_cost.explorer.protocol import ExplorerProtocol
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.http.server import ThreadedServer
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.explorer.raw_requests import ask_raw, connected, get, read_answer
from circleci_cost_tests.explorer.small_folder import small_folder

# Each row of the data a million times with itself: minutes of work.
_ENDLESS = (
    "SELECT count(*) FROM daily_costs AS a, range(1000000) AS b(x), range(1000000) AS c(y) WHERE a.runs + x * y % 7 = 3"
)
_MANY = 50 if os.environ.get("CIRCLECI_COST_LONG") else 14
_LARGE = "SELECT count(*) FROM (SELECT x FROM range(300000000) AS b(x) ORDER BY hash(x), x)"


def _slow(address: Address, snapshot: Snapshot) -> Answer:
    return Json(str(snapshot.connection.execute(_ENDLESS).fetchall()))


def _in_many_steps(address: Address, snapshot: Snapshot) -> Answer:
    """Short queries with work of Python's in between, which no single interrupt would meet."""
    while True:
        snapshot.connection.execute("SELECT count(*) FROM range(30000000)").fetchall()
        sum(range(300_000))


def _large(address: Address, snapshot: Snapshot) -> Answer:
    snapshot.connection.execute("SET temp_directory = ''")
    return Json(str(snapshot.connection.execute(_LARGE).fetchall()))


SLOW = Page("slow", "/slow", "Slow", _slow, more=(("/steps", _in_many_steps), ("/api/large", _large)))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    rows = [{"date": date(2026, 3, day), "project": f"p{day}", "compute": 100} for day in range(1, 19)]
    return small_folder(tmp_path_factory.mktemp("small"), rows)


@dataclasses.dataclass(frozen=True)
class Served:
    """A server with slow pages beside its own."""

    origin: str
    explorer: Explorer
    bugs: list[BaseException]


@contextmanager
def served(settings: Settings, seconds: int = 1) -> Iterator[Served]:
    """Serve with a limit of time for the queries of a page."""
    limited = settings.model_copy(update={"explorer": Section(query_seconds=seconds)})
    bugs: list[BaseException] = []
    explorer = open_explorer(limited, ManualClock(NOW), Access(), bugs.append)
    server = ThreadedServer(build_app(explorer, (*PAGES, SLOW)), "127.0.0.1", 0, "limits", ExplorerProtocol)
    server.start()
    try:
        yield Served(server.origin, explorer, bugs)
    finally:
        explorer.snapshots.stop()
        server.stop()
        explorer.snapshots.close()
    assert bugs == []


def timed(origin: str, path: str) -> tuple[httpx.Response, float]:
    began = time.monotonic()
    answer = httpx.get(origin + path, timeout=60)
    return answer, time.monotonic() - began


def wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it did not come to that"
        time.sleep(0.01)


@pytest.mark.parametrize("path", ["/slow", "/steps"])
def test_f117_a_question_that_takes_too_long_is_ended_with_a_sentence_and_harms_nobody(
    settings: Settings, path: str
) -> None:
    with served(settings) as site:
        before = httpx.get(f"{site.origin}/api/report", timeout=30).content
        answer, seconds = timed(site.origin, path)
        assert answer.status_code == 504
        assert "This took longer than 1 seconds and was stopped; ask for fewer days or fewer groups." in answer.text
        assert 1 <= seconds < 20
        assert httpx.get(f"{site.origin}/api/report", timeout=30).content == before


def test_the_limit_of_the_configuration_counts_from_the_next_request_on(settings: Settings) -> None:
    with served(settings, seconds=600) as site:
        file = settings.source_file
        assert file is not None
        former = file.read_text()
        try:
            file.write_text(f"{former}[explorer]\nquery_seconds = 1\n")
            answer, seconds = timed(site.origin, "/slow")
        finally:
            file.write_text(former)
        assert (answer.status_code, seconds < 60) == (504, True)


def test_a_question_that_needs_too_much_memory_is_a_sentence(settings: Settings) -> None:
    with served(settings, seconds=60) as site:
        answer, _ = timed(site.origin, "/api/large")
        assert answer.status_code == 400
        assert answer.json() == {
            "error": "This needs more memory than a page may have; ask for fewer days or fewer groups."
        }


def test_many_slow_questions_hold_so_many_threads_and_the_others_are_answered(settings: Settings) -> None:
    # Those of an earlier server are idle for a while before they end.
    earlier = set(threading.enumerate())
    with served(settings, seconds=5) as site, ThreadPoolExecutor(_MANY) as pool:
        slow = [pool.submit(timed, site.origin, "/slow") for _ in range(_MANY)]
        wait_until(lambda: len(site.explorer.snapshots.running) == turns.MOST_AT_ONCE)
        health, _ = timed(site.origin, "/health")
        # It waited for none of them: those that hold the threads are not answered yet.
        assert health.status_code == 200
        assert len(site.explorer.snapshots.running) > 0
        workers = [each for each in set(threading.enumerate()) - earlier if each.name == "AnyIO worker thread"]
        assert len(workers) <= turns.MOST_AT_ONCE
        page, _ = timed(site.origin, "/budgets")
        assert page.status_code == 200
        assert {each.result()[0].status_code for each in slow} == {504}
        assert timed(site.origin, "/")[0].status_code == 200


def test_whoever_waits_in_vain_for_a_turn_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns.Turns.__init__, "__defaults__", (1, 0.3))
    with served(settings, seconds=60) as site, ThreadPoolExecutor(2) as pool:
        slow = pool.submit(timed, site.origin, "/slow")
        wait_until(lambda: len(site.explorer.snapshots.running) == 1)
        answer, _ = timed(site.origin, "/")
        assert answer.status_code == 503
        assert "Too many pages are asked for at once; try again in a minute." in answer.text
        site.explorer.snapshots.stop()
        assert slow.result()[0].status_code == 503


def test_a_reader_that_leaves_takes_its_queries_along(settings: Settings) -> None:
    with served(settings, seconds=600) as site:
        with connected(site.origin) as connection:
            connection.sendall(get("/slow", "Host: localhost"))
            wait_until(lambda: len(site.explorer.snapshots.running) == 1)
        wait_until(lambda: not site.explorer.snapshots.running)
        assert timed(site.origin, "/")[0].status_code == 200


def test_a_client_that_drips_is_left_however_long_it_goes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "ASKING_SECONDS", 0.6)
    host = "Host: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    beginnings = {
        "nothing": b"",
        "a head": b"GET / HTTP/1.1\r\n",
        "a form": f"POST /anomalies/decide HTTP/1.1\r\n{host}Content-Length: 60000\r\n\r\n".encode(),
        "a body that nobody reads": b"GET /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n",
        "a second request": b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\n",
    }
    with served(settings) as site:
        connections = {name: connected(site.origin) for name in beginnings}
        for name, connection in connections.items():
            connection.sendall(beginnings[name])
        began = time.monotonic()
        left: set[str] = set()
        while len(left) < len(connections) and time.monotonic() < began + 60:
            time.sleep(0.1)
            for name, connection in connections.items():
                if name not in left and name != "nothing" and _is_left(connection):
                    left.add(name)
                elif name == "nothing" and time.monotonic() > began + 1.5:
                    assert connection.recv(1) == b""
                    left.add(name)
        for connection in connections.values():
            connection.close()
        assert left == set(beginnings)
        assert timed(site.origin, "/health")[0].text == "ok\n"


def _is_left(connection: socket.socket) -> bool:
    try:
        connection.sendall(b"a")
    except (BrokenPipeError, ConnectionResetError):
        return True
    return False


def test_a_client_that_does_not_read_its_answer_is_left(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "READING_SECONDS", 0.5)
    huge = Page("huge", "/huge", "Huge", lambda address, snapshot: Json("x" * 30_000_000))
    explorer = open_explorer(settings, ManualClock(NOW), Access(), lambda error: None)
    server = ThreadedServer(build_app(explorer, (huge,)), "127.0.0.1", 0, "limits", ExplorerProtocol)
    server.start()
    try:
        with connected(server.origin) as connection:
            connection.sendall(get("/huge", "Host: localhost"))
            # The server has to begin with its answer, too, before it waits for the client.
            time.sleep(6)
            answer = read_answer(connection)
            assert answer is not None and len(answer.body) < 30_000_000
    finally:
        server.stop()
        explorer.snapshots.close()


def test_there_are_so_many_connections_and_no_more(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "MOST_CONNECTIONS", 20)
    monkeypatch.setattr(protocol, "ASKING_SECONDS", 10.0)
    with served(settings) as site:
        idle = [connected(site.origin) for _ in range(40)]
        time.sleep(0.2)
        assert ask_raw(site.origin, get("/health", "Host: localhost")) is None
        wait_until(lambda: ask_raw(site.origin, get("/health", "Host: localhost")) is not None)
        assert timed(site.origin, "/health")[0].text == "ok\n"
        for connection in idle:
            connection.close()
