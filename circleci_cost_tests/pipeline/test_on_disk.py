"""After a whole run: every byte was on disk before the name that makes it count."""

from datetime import date

import pytest

from circleci_cost.warehouse.publishing.generations import POINTER, current_generation
from circleci_cost_tests.lake.disk_calls import Renamed, synced, watched
from circleci_cost_tests.pipeline.harness import COSTS, Site
from circleci_cost_tests.pipeline.scenarios import YESTERDAY


def test_a_power_cut_finds_no_name_whose_bytes_are_not_on_disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = watched(monkeypatch)
    site.materialize(COSTS, "initech", date(2024, 3, 10), YESTERDAY)
    at = {call.target: place for place, call in enumerate(calls) if isinstance(call, Renamed)}
    named = {path: place for path, place in at.items() if path.is_file() and path.is_relative_to(site.lake.root)}
    kinds = {path.name.partition("-")[0] for path in named}
    assert {"part", "manifest.json", "data.parquet", POINTER} <= kinds
    for path, place in named.items():
        assert synced(path) in calls[:place], path
        # And the name itself, before the run is over.
        assert path.parent.stat().st_ino in {call.inode for call in calls[place:] if not isinstance(call, Renamed)}, (
            path
        )

    # A part is there for good before the manifest that names it, and a generation before the pointer to it.
    generation = current_generation(site.lake)
    pointer = named[site.lake.published / POINTER]
    listed = [site.lake.root / file.path for files in (generation.manifest.tables or {}).values() for file in files]
    files = {*listed, *(path for path in generation.directory.rglob("*") if path.is_file())}
    assert len(files) > 5
    assert [path for path in files if synced(path) not in calls[:pointer]] == []
    for manifest in (site.lake.root / "exports").rglob("manifest.json"):
        parts = [path for path in manifest.parent.iterdir() if path.name.startswith("part-")]
        assert parts
        assert max(named[part] for part in parts) < named[manifest]
