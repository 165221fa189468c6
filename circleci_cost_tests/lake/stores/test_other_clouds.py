"""Conditional writes and leases in Google Cloud Storage (by generation) and Azure Blob Storage (by ETag)."""

from collections.abc import Iterator

import pytest

from circleci_cost.lake.conditional import ABSENT, ChangedMeanwhileError, replace_if, state_of, update
from circleci_cost.lake.files import write_atomic
from circleci_cost.lake.stores.leases import take
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.stores.writes import probe
from circleci_cost_tests.lake.stores.cloud_servers import CloudServer, cloud_server


@pytest.fixture(params=["gs", "az"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[CloudServer]:
    """A store of each kind, found by the environment as its own tools find it."""
    with cloud_server(request.param) as running:
        for name, value in running.environment.items():
            monkeypatch.setenv(name, value)
        yield running


def test_writes_are_conditional_in_every_store(server: CloudServer) -> None:
    folder = StorePath(f"{server.kind}://company/lake")
    probe(folder.location)
    assert server.objects == {}
    first = replace_if(folder / "pointer", b"1", ABSENT)
    with pytest.raises(ChangedMeanwhileError):
        replace_if(folder / "pointer", b"other", ABSENT)
    assert state_of(folder / "pointer").version == first
    second = replace_if(folder / "pointer", b"1", first)
    with pytest.raises(ChangedMeanwhileError):
        replace_if(folder / "pointer", b"late", first)
    assert second != first
    assert update(folder / "pointer", lambda before: (before or b"") + b"2") == b"12"
    write_atomic(folder / "pointer", b"whole")
    assert (folder / "pointer").read_bytes() == b"whole"
    (folder / "pointer").unlink()
    assert server.objects == {}


def test_a_lease_has_one_holder_in_every_store(server: CloudServer) -> None:
    path = StorePath(f"{server.kind}://company/lake/lock")
    first = take(path)
    assert first is not None
    assert take(path) is None
    first.confirm()
    first.release()
    second = take(path)
    assert second is not None
    assert second.token == 2
    second.remove()
    assert server.objects == {}
