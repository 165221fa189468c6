from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from circleci_cost.clock import ManualClock
from circleci_cost.simulator import FolderOrganization, FolderSource, Simulator
from circleci_cost.simulator.sources import ExportKey, ScenarioSource

from .builders import FIRST, NOW, PAYING, SHARED, scenario
from .conftest import Api

Serve = Callable[[Simulator], Api]


def test_a_folders_files_are_served_byte_for_byte(tmp_path: Path, serve: Serve, clock: ManualClock) -> None:
    contents = [b"\x1f\x8bnot really gzip", b"", b"plain"]
    for number, content in enumerate(contents):
        (tmp_path / f"some-{number}.csv.gz").write_bytes(content)
    (tmp_path / "notes.txt").write_text("not a part")
    api = serve(Simulator(FolderSource(tmp_path), clock=clock))
    assert [httpx.get(url, timeout=60).content for url in api.urls()] == contents
    assert api.simulator.organizations == ()
    with pytest.raises(ValueError, match="given files"):
        _ = api.simulator.scenario


def test_a_folders_organizations_can_be_named(tmp_path: Path, serve: Serve, clock: ManualClock) -> None:
    known = FolderOrganization(PAYING, "initech", "gh/initech")
    api = serve(Simulator(FolderSource(tmp_path, [known]), clock=clock))
    assert api.create().status_code == 201
    assert api.create(SHARED).status_code == 404
    assert api.client.get("/me/collaborations").json()[0]["slug"] == "gh/initech"


def test_generated_parts_are_kept_up_to_a_limit() -> None:
    source = ScenarioSource(scenario(jobs_per_day=20.0), cache_bytes=1)
    keys = [ExportKey((PAYING,), FIRST, FIRST, NOW + timedelta(days=n)) for n in range(2)]
    first = source.files(keys[0])
    content = [path.read_bytes() for path in first]
    assert source.files(keys[0]) == first
    source.files(keys[1])
    assert not any(path.exists() for path in first)
    assert [path.read_bytes() for path in source.files(keys[0])] == content


def test_the_temporary_directory_goes_with_the_source() -> None:
    source = ScenarioSource(scenario(jobs_per_day=20.0))
    folder = source.files(ExportKey((PAYING,), FIRST, FIRST, NOW))[0].parent.parent
    assert folder.is_dir()
    source.close()
    assert not folder.exists()
