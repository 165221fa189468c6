import subprocess
import sys
import threading
import time

import anyio
import httpx
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.simulator import Fault, Simulator, SimulatorServer
from circleci_cost_tests.simulator_faults.connection_actions import Drop, Hang

from .builders import scenario


def test_a_server_starts_and_stops_at_once(clock: ManualClock) -> None:
    simulator = Simulator(scenario(), clock=clock)
    before = time.monotonic()
    with SimulatorServer(simulator) as server:
        started = time.monotonic() - before
        assert server.base_url == f"http://127.0.0.1:{server.port}/api/v2"
        assert httpx.get(server.base_url + "/me", headers={"Circle-Token": "x"}, timeout=60).status_code == 200
        before = time.monotonic()
    assert started < 5
    assert time.monotonic() - before < 5
    assert "usage-api-simulator" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.base_url + "/me", timeout=60)


def test_a_server_stops_with_open_and_hanging_connections(clock: ManualClock) -> None:
    simulator = Simulator(scenario(), clock=clock)
    simulator.faults.add(Fault("me", Hang(), after=1))
    failures: list[Exception] = []

    def ask(client: httpx.Client) -> None:
        try:
            client.get("/me")
        except httpx.TransportError as error:
            failures.append(error)

    server = SimulatorServer(simulator)
    server.start()
    with httpx.Client(base_url=server.base_url, headers={"Circle-Token": "x"}, timeout=60) as client:
        client.get("/me")
        thread = threading.Thread(target=ask, args=[client])
        thread.start()
        while len(simulator.log) < 2:
            time.sleep(0.001)
        server.stop()
        thread.join()
    assert len(failures) == 1
    server.stop()


def test_a_port_can_be_taken_again_and_not_twice(clock: ManualClock) -> None:
    with SimulatorServer(Simulator(scenario(), clock=clock)) as first:
        with pytest.raises(OSError, match="in use"):
            SimulatorServer(Simulator(scenario(), clock=clock), port=first.port).start()
        port = first.port
    with SimulatorServer(Simulator(scenario(), clock=clock), port=port) as second:
        assert second.port == port


def test_a_simulator_answers_without_a_socket_but_breaks_no_connection(clock: ManualClock) -> None:
    simulator = Simulator(scenario(), clock=clock)

    async def ask() -> int:
        transport = httpx.ASGITransport(simulator)
        async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
            return (await client.get("/api/v2/me", headers={"Circle-Token": "x"})).status_code

    assert anyio.run(ask) == 200
    simulator.faults.add(Fault("me", Drop()))
    with pytest.raises(RuntimeError, match="need the SimulatorServer"):
        anyio.run(ask)


def test_importing_the_simulator_does_not_import_dagster() -> None:
    code = "import sys, circleci_cost.simulator; print('dagster' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
