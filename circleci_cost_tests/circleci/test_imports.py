"""Files that a user already has."""

import gzip
import hashlib
import io
import threading
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from circleci_cost.circleci import Imported, land_files
from circleci_cost.clock import ManualClock
from circleci_cost.errors import CircleciCostError, ExportDataError, UsageError
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.manifests import landed_exports
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.turns import turn
from circleci_cost.simulator import ACME_ID
from circleci_cost_tests.circleci.harness import NOW, Harness, Watcher, csv_part, gz
from circleci_cost_tests.s3_server import S3Server

FIRST, LAST = date(2024, 11, 10), date(2024, 11, 14)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path / "lake")


def land(lake: Lake, *files: Path, **options: Any) -> Imported:
    settings: dict[str, Any] = {"organization_id": ACME_ID, "clock": ManualClock(NOW)}
    return land_files(lake, "acme", files, FIRST, LAST, **settings | options)


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


def test_files_are_imported_into_an_object_store_as_onto_a_disk(tmp_path: Path, s3: S3Server) -> None:
    remote = open_lake(StorePath(f"s3://{s3.new_bucket()}/lake"))
    file = written(tmp_path / "usage.csv", csv_part(1))
    landed = land(remote, file).landed
    assert land(remote, file).already
    (path,) = landed.part_paths()
    assert path.read_bytes() == packed_by_us(csv_part(1))
    assert [export.manifest for export in landed_exports(remote, "acme")] == [landed.manifest]


def packed_by_us(content: bytes) -> bytes:
    file = io.BytesIO()
    with gzip.GzipFile("", "wb", 6, file, 0) as packed:
        packed.write(content)
    return file.getvalue()


def names(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_files_land_as_one_incomplete_export_named_after_their_content(lake: Lake, tmp_path: Path) -> None:
    plain = written(tmp_path / "in" / "a.csv", csv_part(1))
    packed = written(tmp_path / "in" / "b.csv.gz", gz(csv_part(2)))
    imported = land(lake, plain, packed)
    manifest = imported.landed.manifest
    hashes = sorted(hashlib.sha256(content).hexdigest() for content in (packed_by_us(csv_part(1)), gz(csv_part(2))))
    import_id = "import-" + hashlib.sha256("".join(hashes).encode()).hexdigest()[:12]
    assert not imported.already
    assert imported.landed.directory == lake.imported("acme", FIRST, LAST, import_id)
    assert [path.name for path in imported.landed.part_paths()] == ["part-0000.csv.gz", "part-0001.csv.gz"]
    assert [part.sha256 for part in manifest.parts] == hashes
    assert {gzip.decompress(path.read_bytes()) for path in imported.landed.part_paths()} == {
        csv_part(1),
        csv_part(2),
    }
    assert manifest.model_dump(include={"source", "complete", "export_id", "exported_at", "url_count"}) == {
        "source": "import",
        "complete": False,
        "export_id": import_id,
        "exported_at": NOW,
        "url_count": 2,
    }
    assert landed_exports(lake, "acme") == [imported.landed]


def test_the_same_files_again_change_nothing_in_any_order(lake: Lake, tmp_path: Path) -> None:
    plain = written(tmp_path / "in" / "a.csv", csv_part(1))
    packed = written(tmp_path / "in" / "b.csv.gz", gz(csv_part(2)))
    first = land(lake, plain, packed)
    before = names(lake.root)
    copy = written(tmp_path / "in" / "copy.csv", csv_part(1))
    again = land(lake, packed, copy, packed, clock=ManualClock(NOW + timedelta(days=1)))
    assert again == Imported(first.landed, already=True)
    assert names(lake.root) == before


def test_the_parts_of_an_export_that_was_fetched_are_there_already(site: Harness) -> None:
    landed = site.fetch()
    before = site.snapshot()
    again = land(site.lake, *sorted(site.folder.glob("*.gz")))
    assert (again, site.snapshot()) == (Imported(landed, already=True), before)


def test_a_file_given_twice_lands_once_and_is_reported(lake: Lake, tmp_path: Path) -> None:
    file = written(tmp_path / "in" / "a.csv.gz", gz(csv_part(1)))
    assert len(land(lake, file, file).landed.manifest.parts) == 1


BAD: dict[str, tuple[bytes, type[CircleciCostError], str]] = {
    "f029 truncated": (gz(csv_part(1))[:-9], ExportDataError, "is cut off after"),
    "f031 garbage": (gz(csv_part(1)) + b"x", ExportDataError, "has something else behind its end"),
    "f033 empty": (b"", ExportDataError, "is an empty file, neither a CSV nor gzip; nothing was imported."),
    "f035 HTML": (b"<!DOCTYPE html><html>", ExportDataError, "is an HTML page, neither a CSV nor gzip"),
    "a spreadsheet": (b"PK\x03\x04,,,,", ExportDataError, "is a zip archive, neither a CSV nor gzip"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0,", ExportDataError, "is something else, neither a CSV nor gzip"),
}


@pytest.mark.parametrize("name", BAD)
def test_f029_to_f035_one_bad_file_and_none_is_imported(lake: Lake, tmp_path: Path, name: str) -> None:
    content, kind, what = BAD[name]
    good = written(tmp_path / "in" / "good.csv", csv_part(1))
    bad = written(tmp_path / "in" / "bad.csv.gz", content)
    with pytest.raises(kind) as caught:
        land(lake, good, bad)
    assert str(caught.value).startswith(f"{bad} {what}")
    assert landed_exports(lake, "acme") == []
    assert names(lake.exports("acme")) == []


def test_a_file_that_is_not_there_is_a_mistake_of_the_command_line(lake: Lake, tmp_path: Path) -> None:
    missing = tmp_path / "none.csv"
    with pytest.raises(UsageError) as caught:
        land(lake, missing)
    assert str(caught.value) == f"{missing} is not a file; nothing was imported."
    with pytest.raises(UsageError) as caught:
        land(lake, tmp_path)
    assert str(caught.value).startswith(f"{tmp_path} is a folder, not a regular file; ")


def test_f040_a_name_that_climbs_lands_under_ours(lake: Lake, tmp_path: Path) -> None:
    file = written(tmp_path / "in" / "..evil..csv", csv_part(1))
    landed = land(lake, tmp_path / "in" / ".." / "in" / file.name).landed
    assert sorted(path.name for path in landed.directory.iterdir()) == ["manifest.json", "part-0000.csv.gz"]


def test_imports_take_turns_and_remove_what_killed_ones_left(lake: Lake, tmp_path: Path) -> None:
    """Two imports of the same files would put the same names in place, and a failing one would take them away."""
    file = written(tmp_path / "in" / "a.csv", csv_part(1))
    left = lake.exports("acme") / ".tmp-import-0123456789ab"
    left.mkdir(parents=True)
    (left / ".tmp-0000").write_bytes(b"half a copy")
    watcher, landed = Watcher(), []
    waiting = threading.Thread(target=lambda: landed.append(land(lake, file, progress=watcher)))
    with turn(lake.imports_lock):
        waiting.start()
        waiting.join(0.3)
        assert (landed, left.is_dir()) == ([], True)
    waiting.join(20)
    assert watcher.messages == ["Another import is at work: this one waits for it."]
    assert [path.name for path in lake.exports("acme").iterdir()] == [landed[0].landed.directory.name]


def test_a_file_with_other_separators_or_in_utf_16_lands_as_it_is(lake: Lake, tmp_path: Path) -> None:
    text = csv_part(1).decode().replace(",", ";")
    for name, content in {"semicolons.csv": text.encode(), "unicode.csv": text.encode("utf-16")}.items():
        landed = land(lake, written(tmp_path / "in" / name, content)).landed
        assert [gzip.decompress(path.read_bytes()) for path in landed.part_paths()] == [content]
