"""Objects used as paths: reading, listing and removing as on a disk, and never a file of this machine."""

import hashlib
import io
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from circleci_cost.lake.files import atomic_path, write_atomic
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.stores import objects
from circleci_cost.lake.stores.failures import ChangedMeanwhileError
from circleci_cost.lake.stores.paths import StorePath, directory
from circleci_cost_tests.s3_server import S3Server


def test_a_path_in_a_store_is_composed_as_any_path_and_says_its_address() -> None:
    path = StorePath("s3://bucket/lake") / "exports" / "acme"
    assert str(path) == "s3://bucket/lake/exports/acme"
    assert path.parent == StorePath("s3://bucket/lake/exports")
    assert (path.name, path.with_name("b").name, path.suffix) == ("acme", "b", "")
    assert str(path.relative_to("s3:/bucket/lake")) == "exports/acme"
    assert pickle.loads(pickle.dumps(path)) == path
    assert isinstance(path.parent, StorePath)
    assert path.absolute() is path


def test_a_lake_whose_address_went_through_text_is_still_in_the_store() -> None:
    root = Lake(Path(str(Lake(StorePath("s3://bucket/lake")).root))).root
    assert isinstance(root, StorePath)
    assert str(root) == "s3://bucket/lake"
    assert type(Lake(Path("data")).root) is type(Path("data"))


def test_an_address_is_a_store_and_anything_else_a_folder() -> None:
    assert directory("gs://bucket/a") == StorePath("gs://bucket/a")
    assert type(directory("data")) is type(Path("data"))


@pytest.mark.parametrize(
    "misuse",
    [
        os.listdir,
        lambda path: path.open("wb"),
        lambda path: path.write_bytes(b""),
        lambda path: path.touch(),
        lambda path: path.chmod(0o600),
        shutil.rmtree,
        lambda path: path.rename("other"),
        lambda path: list(path.glob("a/**/data.parquet")),
    ],
)
def test_an_object_is_never_taken_for_a_file_of_this_machine(misuse: Callable[[StorePath], object]) -> None:
    with pytest.raises(TypeError, match="s3://bucket/key"):
        misuse(StorePath("s3://bucket/key"))


def test_objects_are_written_read_listed_moved_and_removed_as_files_are(folder: StorePath) -> None:
    for name in ("exports/acme/a/part-1.csv.gz", "exports/acme/a/manifest.json", "exports/beta/b/manifest.json"):
        write_atomic(folder / name, name.encode())
    write_atomic(folder / "exports/acme/note", "für alle".encode())
    exports = folder / "exports"
    assert [path.name for path in folder.iterdir()] == ["exports"]
    assert list(exports.iterdir()) == [exports / "acme", exports / "beta"]
    assert list(exports.glob("*/*/manifest.json")) == [
        exports / "acme/a/manifest.json",
        exports / "beta/b/manifest.json",
    ]
    assert [path.name for path in (exports / "acme/a").glob("part-*.csv.gz")] == ["part-1.csv.gz"]
    assert list(folder.glob("exports/*/*")) == [exports / "acme/a", exports / "acme/note", exports / "beta/b"]
    assert list(folder.glob("nothing/*")) == []
    assert [path.parent.name for path in folder.rglob("manifest.*")] == ["a", "b"]
    assert (exports / "acme/note").read_text() == "für alle"
    assert (exports / "acme").is_dir()
    assert not (exports / "acme").is_file()
    assert (exports / "acme/note").stat().st_size == len("für alle".encode())
    moved = (exports / "acme/a/manifest.json").replace(exports / "acme/a/refused.json")
    assert moved.read_bytes() == b"exports/acme/a/manifest.json"
    assert not (exports / "acme/a/manifest.json").exists()
    moved.unlink()
    moved.unlink(missing_ok=True)
    with pytest.raises(FileNotFoundError, match=r"refused\.json"):
        moved.read_bytes()
    with pytest.raises(FileNotFoundError):
        moved.unlink()


def test_a_large_object_is_read_in_pieces_and_never_as_a_mixture_of_two_versions(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "PIECE_BYTES", 1000)
    content = bytes(range(256)) * 20
    write_atomic(folder / "big", content)
    assert (folder / "big").read_bytes() == content
    with (folder / "big").open("rb") as stream:
        assert (
            hashlib.file_digest(cast(io.BufferedReader, stream), "sha256").digest() == hashlib.sha256(content).digest()
        )
        stream.seek(-10, os.SEEK_END)
        assert stream.read() == content[-10:]
        stream.seek(0)
        write_atomic(folder / "big", content[::-1])
        with pytest.raises(ChangedMeanwhileError):
            stream.read()


def test_a_file_too_large_to_be_sent_whole_becomes_an_object_in_pieces(
    folder: StorePath, monkeypatch: pytest.MonkeyPatch, s3: S3Server
) -> None:
    monkeypatch.setattr("circleci_cost.lake.stores.uploads.WHOLE_BYTES", 1000)
    content = os.urandom(9 << 20)
    with atomic_path(folder / "big") as temporary:
        temporary.write_bytes(content)
    assert (folder / "big").read_bytes() == content
    assert ("POST", f"/{folder.location.bucket}/company/lake/big") in s3.requests


def test_an_exception_while_a_file_is_written_leaves_the_object_as_it_was(folder: StorePath) -> None:
    write_atomic(folder / "pointer", b"old")
    with pytest.raises(ZeroDivisionError), atomic_path(folder / "pointer") as temporary:
        temporary.write_bytes(b"half")
        _ = 1 // 0
    assert (folder / "pointer").read_bytes() == b"old"
    assert not temporary.exists()
    assert [path.name for path in folder.iterdir()] == ["pointer"]


def test_listings_are_never_remembered(folder: StorePath) -> None:
    assert list(folder.glob("*")) == []
    write_atomic(folder / "new", b"")
    assert list(folder.glob("*")) == [folder / "new"]
