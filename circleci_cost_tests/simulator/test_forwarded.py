"""Behind a proxy: whose headers are believed, which values, and a walk of a real client over TLS."""

import gzip
from typing import Any

import anyio
import httpx
import pytest

from circleci_cost.circleci import Connection
from circleci_cost.circleci.addresses import download_address
from circleci_cost.clock import ManualClock
from circleci_cost.simulator import Simulator
from circleci_cost_tests.notify.mailbox import CERTIFICATE

from .builders import NOW, PAYING, scenario
from .conftest import Api
from .tls_proxy import tls_before, trusting

WINDOW = {"start": "2026-11-01T00:00:00Z", "end": "2026-11-02T23:59:59Z"}
JOBS = f"/organizations/{PAYING}/usage_export_job"


def test_a_client_behind_tls_walks_from_the_job_to_the_files(api: Api) -> None:
    with tls_before(api.server.port) as origin:
        token = {"Circle-Token": "canary-token"}
        with httpx.Client(
            base_url=f"{origin}/api/v2", headers=token, verify=trusting(str(CERTIFICATE)), timeout=60
        ) as client:
            job = client.post(JOBS, json=WINDOW)
            assert (job.status_code, job.json()["state"]) == (201, "created")
            answer = client.get(f"{JOBS}/{job.json()['usage_export_job_id']}").json()
            assert answer["state"] == "completed"
            assert all(url.startswith(f"{origin}/download/") for url in answer["download_urls"])
            parts = [client.get(url) for url in answer["download_urls"]]
    assert [part.status_code for part in parts] == [200] * 3
    assert all(gzip.decompress(part.content).startswith(b"ORGANIZATION_ID,") for part in parts)


def urls(simulator: Simulator, peer: tuple[str, int], headers: dict[str, str]) -> list[str]:
    """The download URLs that a peer with headers gets."""

    async def ask() -> Any:
        options: dict[str, Any] = {"base_url": "http://127.0.0.1:8000/api/v2", "headers": {"Circle-Token": "x"}}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(simulator, client=peer), **options) as client:
            job = (await client.post(JOBS, json=WINDOW, headers=headers)).json()
            return (await client.get(f"{JOBS}/{job['usage_export_job_id']}", headers=headers)).json()["download_urls"]

    download_urls = anyio.run(ask)
    assert isinstance(download_urls, list)
    return download_urls


def origins(peer: str, headers: dict[str, str], **options: Any) -> set[str]:
    """Scheme and host of the URLs that a peer with headers gets."""
    simulator = Simulator(scenario(jobs_per_day=5.0), clock=ManualClock(NOW), **options)
    return {url.partition("/download/")[0] for url in urls(simulator, (peer, 40000), headers)}


TOLD = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "sim.example.com"}
PLAIN = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("peer", "origin"), [("127.0.0.1", "https://sim.example.com"), ("::1", "https://sim.example.com")]
)
def test_a_proxy_on_this_machine_is_believed(peer: str, origin: str) -> None:
    assert origins(peer, TOLD) == {origin}


@pytest.mark.parametrize("peer", ["192.0.2.7", "10.0.0.5", "2001:db8::1", "not an address"])
@pytest.mark.parametrize("headers", [TOLD, {"Forwarded": "proto=https;host=sim.example.com"}])
def test_whoever_comes_from_elsewhere_is_not_believed(peer: str, headers: dict[str, str]) -> None:
    assert origins(peer, headers) == {PLAIN}


def test_a_public_url_holds_for_everybody() -> None:
    for peer in ("127.0.0.1", "192.0.2.7"):
        assert origins(peer, TOLD, public_url="https://public.example.com") == {"https://public.example.com"}


@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        ({"X-Forwarded-Proto": "HTTPS"}, "https://127.0.0.1:8000"),
        ({"X-Forwarded-Proto": "https, http"}, "https://127.0.0.1:8000"),
        ({"X-Forwarded-Proto": "javascript", "X-Forwarded-Host": "a/b"}, PLAIN),
        ({"X-Forwarded-Host": "user@evil.example"}, PLAIN),
        ({"X-Forwarded-Host": "[2001:db8::1]:8443"}, "http://[2001:db8::1]:8443"),
        ({"Forwarded": 'for="[2001:db8::2]";Proto=https;Host="sim.example.com:8443"'}, "https://sim.example.com:8443"),
        ({"Forwarded": "proto=https", "X-Forwarded-Proto": "http"}, "https://127.0.0.1:8000"),
        ({"Forwarded": "for=192.0.2.1", **TOLD}, "https://sim.example.com"),
        ({"Forwarded": 'host="evil.example/x"'}, PLAIN),
    ],
)
def test_of_a_header_only_a_scheme_and_a_host_are_taken(headers: dict[str, str], origin: str) -> None:
    assert origins("127.0.0.1", headers) == {origin}


def test_this_projects_own_client_takes_what_a_proxy_with_tls_tells() -> None:
    connection = Connection(
        cost_center="acme",
        organization_id=PAYING,
        slug="gh/acme",
        token="x",
        token_env="T",
        base_url="https://sim.example.com/api/v2",
        download_hosts=("sim.example.com",),
    )
    simulator = Simulator(scenario(jobs_per_day=5.0), clock=ManualClock(NOW))
    for url in urls(simulator, ("127.0.0.1", 40000), TOLD):
        assert str(download_address(url, "part 1", connection)) == url
