"""A simulator on a socket with a clock that the test moves."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.simulator import Simulator, SimulatorServer

from .builders import NOW, PAYING, SHARED, scenario


class Api:
    """A simulator and a client with a token, speaking to each other over a socket."""

    def __init__(self, simulator: Simulator, server: SimulatorServer, client: httpx.Client) -> None:
        self.simulator = simulator
        self.server = server
        self.client = client

    def create(self, organization: str = PAYING, **body: object) -> httpx.Response:
        window = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-10T23:59:59Z"}
        return self.client.post(f"/organizations/{organization}/usage_export_job", json=window | body)

    def poll(self, job_id: str, organization: str = PAYING) -> httpx.Response:
        return self.client.get(f"/organizations/{organization}/usage_export_job/{job_id}")

    def urls(self) -> list[str]:
        """Create an export, poll it once and return its URLs."""
        job = self.create(shared_org_ids=[SHARED]).json()["usage_export_job_id"]
        urls = self.poll(job).json()["download_urls"]
        assert isinstance(urls, list)
        return urls


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def serve(clock: ManualClock) -> Iterator[Callable[[Simulator], Api]]:
    with ExitStack() as stack:

        def start(simulator: Simulator) -> Api:
            server = stack.enter_context(SimulatorServer(simulator))
            headers = {"Circle-Token": "canary-token"}
            client = httpx.Client(base_url=server.base_url, headers=headers, timeout=60)
            return Api(simulator, server, stack.enter_context(client))

        yield start


@pytest.fixture
def api(serve: Callable[[Simulator], Api], clock: ManualClock) -> Api:
    return serve(Simulator(scenario(jobs_per_day=40.0), clock=clock))
