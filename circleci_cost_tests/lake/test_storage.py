"""Files of days, manifests, spills and the lake's own format: damage is reported, with what to do."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.errors import StorageError
from circleci_cost.lake.days import read_day, read_provenance
from circleci_cost.lake.layout import FORMAT, Lake, claim, open_lake
from circleci_cost.lake.manifests import exports_by_day, landed_exports, read_manifest
from circleci_cost.lake.spill import new_spill, remove_abandoned_spills
from circleci_cost_tests.model.usage.builders import records

from .builders import CENTER, FIRST, contents, day, ingest, land, land_rows


def test_a_damaged_day_is_reported(lake: Lake) -> None:
    land_rows(lake, records(2))
    ingest(lake)
    path = lake.job_runs_file(CENTER, FIRST)
    for damage in (b"", b"PAR1", path.read_bytes()[:-100]):
        path.write_bytes(damage)
        with pytest.raises(StorageError, match=r"data.parquet is not a file of job runs of this version"):
            read_day(lake, CENTER, FIRST)
        with pytest.raises(StorageError, match=r"move it away, keep it, and materialize job_runs for this day again"):
            read_provenance(path)


def test_a_foreign_parquet_file_is_reported(lake: Lake) -> None:
    path = lake.job_runs_file(CENTER, FIRST)
    path.parent.mkdir(parents=True)
    pl.DataFrame({"a": [1]}).write_parquet(path)
    with pytest.raises(StorageError, match=r"is not a file of job runs of this version \(KeyError\)"):
        read_provenance(path)


def test_a_day_that_was_never_written_is_none(lake: Lake) -> None:
    assert read_day(lake, CENTER, FIRST) is None


def test_a_damaged_manifest_is_reported(lake: Lake) -> None:
    directory = land(lake, [])
    (directory / "manifest.json").write_text('{"format": 2}')
    with pytest.raises(StorageError, match=r"manifest.json is not a manifest of this version \(format: "):
        read_manifest(directory)
    (directory / "manifest.json").write_text("{")
    with pytest.raises(StorageError, match=r"from a backup; without one, move its directory out of exports"):
        landed_exports(lake, CENTER)


def test_a_manifest_replaces_the_parts_of_its_predecessor(lake: Lake) -> None:
    directory = land(lake, [b"a", b"b"])
    land(lake, [b"c"], export_id="export-2", hours=1)
    assert sorted(path.name for path in directory.iterdir()) == ["manifest.json", "part-export-2-0000.csv.gz"]


def test_a_day_comes_from_the_last_complete_export_and_later_imports(lake: Lake) -> None:
    land(lake, [], day(1), day(9), export_id="old")
    land(lake, [], day(5), day(9), export_id="import-before", hours=1, complete=False)
    land(lake, [], day(5), day(6), export_id="new", hours=2)
    land(lake, [], day(6), day(6), export_id="import-after", hours=3, complete=False)
    exports = landed_exports(lake, CENTER)

    def chosen(number: int) -> list[str]:
        return [export.manifest.export_id for export in exports_by_day(exports).get(day(number), [])]

    assert [chosen(number) for number in (1, 5, 6, 7, 10)] == [
        ["old"], ["new"], ["new", "import-after"], ["old", "import-before"], []
    ]  # fmt: skip


def test_f092_a_newer_data_directory_is_refused_and_untouched(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    (tmp_path / "format.json").write_text(json.dumps({"format": FORMAT + 1}))
    before = contents(lake)
    with pytest.raises(StorageError, match=f"has format {FORMAT + 1}, .* reads up to {FORMAT}; nothing was touched"):
        open_lake(tmp_path)
    with pytest.raises(StorageError, match="nothing was touched"):
        claim(lake)
    assert contents(lake) == before


def test_f092_a_data_directory_that_does_not_say_its_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "format.json").write_text("[]")
    with pytest.raises(StorageError, match="does not say which format"):
        open_lake(tmp_path)


def test_spills_of_killed_ingests_are_removed_after_a_day(lake: Lake) -> None:
    old, new = new_spill(lake.spill), new_spill(lake.spill)
    for directory in (old, new):
        directory.mkdir(parents=True)
    yesterday = datetime.now(UTC).timestamp() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    remove_abandoned_spills(lake.spill)
    assert list(lake.spill.iterdir()) == [new]
