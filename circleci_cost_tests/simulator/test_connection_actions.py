import socket
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest

from circleci_cost.simulator import Fault
from circleci_cost.simulator.faults import Action
from circleci_cost_tests.simulator_faults.connection_actions import Drip, Drop, EarlyClose, Hang, WrongLength

from .conftest import Api


def asking(api: Api, url: str) -> socket.socket:
    """Ask for a URL on a bare socket, on which the answer comes until the end of the connection."""
    parts = urlsplit(url)
    request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    connection = socket.create_connection(("127.0.0.1", api.server.port), timeout=60)
    connection.sendall(request.encode())
    return connection


def raw(api: Api, url: str) -> tuple[bytes, bytes]:
    """Ask for a URL on a bare socket; return head and body as they come until the end of the connection."""
    with asking(api, url) as connection:
        received = b""
        while piece := connection.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return head, body


def inject(api: Api, action: Action, route: str = "download") -> str:
    url = api.urls()[0]
    api.simulator.faults.add(Fault(route, action))
    return url


def test_a_drop_before_the_headers_sends_nothing(api: Api) -> None:
    assert raw(api, inject(api, Drop())) == (b"", b"")
    record = api.simulator.log.of("download")[-1]
    assert (record.status, record.fault) == (None, "drop before headers")


def test_a_drop_after_the_headers_sends_no_body(api: Api) -> None:
    head, body = raw(api, inject(api, Drop("after headers")))
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == b""


def test_a_drop_mid_body_sends_half(api: Api) -> None:
    url = inject(api, Drop("mid-body"))
    half = raw(api, url)[1]
    whole = raw(api, url)[1]
    assert half == whole[: len(whole) // 2]


@pytest.mark.parametrize("when", ["before headers", "after headers", "mid-body"])
def test_a_reset_is_a_reset(api: Api, when: str) -> None:
    url = inject(api, Drop(when, reset=True))  # type: ignore[arg-type]
    with pytest.raises(ConnectionResetError):
        raw(api, url)
    assert httpx.get(url, timeout=60).status_code == 200


def test_a_lost_answer_leaves_a_job_behind(api: Api) -> None:
    api.simulator.faults.add(Fault("create", Drop(answer_lost=True)))
    with pytest.raises(httpx.RemoteProtocolError):
        api.create()
    assert len(list(api.simulator.jobs)) == 1
    assert api.simulator.log.of("create")[0].fault == "drop, answer lost"


def test_a_drop_before_the_headers_creates_no_job(api: Api) -> None:
    api.simulator.faults.add(Fault("create", Drop()))
    with pytest.raises(httpx.RemoteProtocolError):
        api.create()
    assert list(api.simulator.jobs) == []


def test_a_hang_ends_after_its_seconds_with_the_real_answer(api: Api) -> None:
    api.simulator.faults.add(Fault("me", Hang(0.05)))
    before = time.monotonic()
    assert api.client.get("/me").status_code == 200
    assert time.monotonic() - before >= 0.05


def test_a_hang_lasts_until_it_is_released(api: Api) -> None:
    hang = Hang()
    api.simulator.faults.add(Fault("me", hang))
    threading.Timer(0.05, hang.release).start()
    before = time.monotonic()
    assert api.client.get("/me").json()["login"] == "octocat"
    assert time.monotonic() - before >= 0.05


@pytest.mark.parametrize(("unprocessed", "jobs"), [(False, 1), (True, 0)])
def test_a_client_that_gives_a_post_up_may_leave_a_job_behind(api: Api, unprocessed: bool, jobs: int) -> None:
    api.client.timeout = httpx.Timeout(60, read=0.5)
    api.simulator.faults.add(Fault("create", Hang(unprocessed=unprocessed)))
    with pytest.raises(httpx.ReadTimeout):
        api.create()
    assert len(list(api.simulator.jobs)) == jobs


def test_an_unprocessed_request_is_answered_after_the_hang(api: Api) -> None:
    api.simulator.faults.add(Fault("create", Hang(0.05, unprocessed=True)))
    assert api.create().status_code == 201


def test_a_client_may_give_a_hanging_request_up(api: Api) -> None:
    api.simulator.faults.add(Fault("me", Hang()))
    with pytest.raises(httpx.ReadTimeout):
        api.client.get("/me", timeout=httpx.Timeout(60, read=0.5))
    assert api.simulator.log.of("me")[0].fault == "hang"
    assert api.client.get("/me").status_code == 200


@pytest.mark.parametrize("headers_too", [False, True])
def test_a_drip_sends_all_that_would_be_sent(api: Api, headers_too: bool) -> None:
    whole = raw(api, url := inject(api, Drip(0.001, 2000, headers_too=headers_too)))
    assert whole[1] == raw(api, url)[1]
    assert whole[0].startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_drip_sends_a_small_piece_at_a_time(api: Api) -> None:
    # The next one is a minute away: however late this client is, it cannot find two in one.
    api.simulator.faults.add(Fault("me", Drip(60, 20)))
    with api.client.stream("GET", "/me") as answer:
        assert len(next(answer.iter_raw())) == 20


def test_a_drip_sends_a_small_piece_of_the_headers_at_a_time(api: Api) -> None:
    url = inject(api, Drip(60, 20, headers_too=True))
    with asking(api, url) as connection:
        assert len(connection.recv(65536)) == 20


def test_a_drip_defeats_the_read_timeout_and_ends_with_the_client(api: Api) -> None:
    api.simulator.faults.add(Fault("me", Drip(0.05, 1)))
    before = time.monotonic()
    with api.client.stream("GET", "/me", timeout=httpx.Timeout(60, read=1)) as answer:
        for _ in answer.iter_raw():
            if time.monotonic() - before > 1.5:
                break
    assert time.monotonic() - before > 1.5


@pytest.mark.parametrize("by", [10, -10])
def test_a_content_length_can_be_wrong(api: Api, by: int) -> None:
    url = inject(api, WrongLength(by))
    head, body = raw(api, url)
    assert body == raw(api, url)[1]
    assert f"content-length: {len(body) + by}".encode() in head
    assert head.lower().count(b"content-length") == 1


def test_an_early_close_states_no_length(api: Api) -> None:
    url = inject(api, EarlyClose(50))
    head, body = raw(api, url)
    assert b"content-length" not in head.lower()
    assert body == raw(api, url)[1][:-50]
