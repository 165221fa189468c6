import logging

import pytest

from circleci_cost.simulator import Fault
from circleci_cost.simulator.faults import Faults
from circleci_cost_tests.simulator_faults.actions import Respond

from .conftest import Api


def injected(faults: Faults, route: str, requests: int, path: str = "/x") -> list[bool]:
    return [faults.take(route, path) is not None for _ in range(requests)]


def test_a_fault_is_injected_as_often_as_it_says() -> None:
    faults = Faults()
    once = Fault("poll", Respond(500))
    faults.add(once)
    assert injected(faults, "create", 2) == [False, False]
    assert injected(faults, "poll", 3) == [True, False, False]
    assert once.injected == 1


def test_a_fault_can_wait_and_last() -> None:
    faults = Faults()
    faults.add(Fault("*", Respond(500), times=None, after=2))
    assert injected(faults, "poll", 5) == [False, False, True, True, True]
    faults.clear()
    assert injected(faults, "me", 1) == [False]
    assert list(faults) == []


def test_a_fault_can_be_for_one_part_only() -> None:
    faults = Faults()
    faults.add(Fault("download", Respond(500), times=None, path_contains="part-0001"))
    assert injected(faults, "download", 2, "/download/x/part-0000.csv.gz") == [False, False]
    assert injected(faults, "download", 2, "/download/x/part-0001.csv.gz") == [True, True]


def test_the_first_of_several_faults_is_injected_then_the_next() -> None:
    faults = Faults()
    first, second = Fault("poll", Respond(500), times=2), Fault("poll", Respond(404))
    faults.add(first, second)
    assert [faults.take("poll", "/x") for _ in range(4)] == [first, first, second, None]


def test_a_route_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no route is called 'pol'; there are create, poll, download"):
        Fault("pol", Respond(500))


def test_the_log_names_every_injected_fault(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "circleci_cost.simulator")
    api.simulator.faults.add(Fault("me", Respond(503)))
    assert [api.client.get("/me").status_code for _ in range(2)] == [503, 200]
    assert [(r.route, r.status, r.fault) for r in api.simulator.log] == [
        ("me", 503, "respond 503"),
        ("me", 200, None),
    ]
    assert caplog.messages[:2] == ["GET /api/v2/me 503 (injected fault: respond 503)", "GET /api/v2/me 200"]
    api.simulator.log.clear()
    assert len(api.simulator.log) == 0


def test_neither_token_nor_signature_is_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api.client.get(api.urls()[0])
    assert api.simulator.log.of("download")[0].had_token
    logged = "\n".join(f"{r.name} {r.getMessage()}" for r in caplog.records if not r.name.startswith("http"))
    assert "GET /download/" in logged
    assert "signature" not in logged
    assert "canary" not in logged
