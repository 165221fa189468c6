"""Finding and reading files by path, glob and address; the object store is a server on loopback."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from circleci_cost.errors import (
    AuthorizationError,
    CircleciCostError,
    ConfigurationError,
    TransientSourceError,
)
from circleci_cost.lake.infrastructure import SourceFiles, SourceProblem, read_sources
from circleci_cost.lake.infrastructure_state import InfrastructureState
from circleci_cost.lake.remote_files import find_files, local_copy
from circleci_cost_tests.lake.object_store import ObjectStore, object_store
from circleci_cost_tests.model.infrastructure.builders import below, daily, source

SECRET = "canary0secret"


@pytest.fixture
def store() -> Iterator[ObjectStore]:
    with object_store() as opened:
        yield opened


@pytest.fixture(autouse=True)
def _no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own account and region are not asked for."""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def names(folder: Path, pattern: str) -> list[str]:
    return [file.name.replace(f"{folder}/", "") for file in find_files(pattern, below(folder))]


def refusal(folder: Path, pattern: str, kind: type[CircleciCostError]) -> str:
    with pytest.raises(kind) as caught:
        find_files(pattern, below(folder))
    return str(caught.value).replace(f"{folder}/", "")


def test_paths_and_globs_are_found_below_the_configuration(tmp_path: Path) -> None:
    folder = tmp_path / "with [brackets]"
    for name in ("a.csv", "b.csv", ".tmp-c.csv", "deep/er/c.csv", "deep/d [1].csv"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    assert names(folder, "a.csv") == ["a.csv"]
    assert names(folder, "*.csv") == ["a.csv", "b.csv"]
    assert names(folder, "**/*.csv") == ["a.csv", "b.csv", "deep/d [1].csv", "deep/er/c.csv"]
    assert names(folder, "deep/d [1].csv") == ["deep/d [1].csv"]
    assert [file.name for file in find_files(str(tmp_path / "*/a.csv"), below(folder))] == [str(folder / "a.csv")]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("b.csv", "b.csv is not there; correct it (files of [[infrastructure]])."),
        ("deep", "deep is a folder; write a glob such as folder/*.csv.gz (files of [[infrastructure]])."),
        ("*.gz", "No file fits *.gz; correct the files of [[infrastructure]], or wait for one."),
        ("a**b", "a**b is no glob; write **/ only between folders, and sets such as [0-9]."),
    ],
)
def test_a_path_without_a_file_is_one_sentence(tmp_path: Path, pattern: str, message: str) -> None:
    (tmp_path / "deep").mkdir()
    assert refusal(tmp_path, pattern, ConfigurationError) == message


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("one")
    (file,) = find_files("a.csv", below(tmp_path))
    with (
        pytest.raises(TransientSourceError, match="changed while it was read"),
        local_copy(file, tmp_path) as (path, digest),
    ):
        assert digest == hashlib.sha256(b"one").hexdigest()
        path.write_text("other")


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ("2026/a.csv", ["2026/a.csv"]),
        ("2026/*.csv", ["2026/a.csv", "2026/b c.csv"]),
        ("2026/[a-b].csv", ["2026/a.csv"]),
        ("*/part=*/*.csv", ["2026/part=1/c.csv"]),
        ("2026/**", ["2026/a.csv", "2026/b c.csv", "2026/part=1/c.csv"]),
        ("**/*.csv", ["2026/a.csv", "2026/b c.csv", "2026/part=1/c.csv", "top.csv"]),
        ("2026/b c.csv", ["2026/b c.csv"]),
        ("*.csv", ["top.csv"]),
    ],
)
def test_objects_are_found_by_path_and_wildcards(
    store: ObjectStore, tmp_path: Path, pattern: str, keys: list[str]
) -> None:
    for key in ("2026/a.csv", "2026/b c.csv", "2026/part=1/c.csv", "top.csv"):
        store.put(key, key.encode())
    files = find_files(store.address(pattern), below(tmp_path))
    # Neither the account nor the options are a part of the name.
    assert [file.name for file in files] == [f"s3://costs/{key}" for key in keys]
    for file, key in zip(files, keys, strict=True):
        with local_copy(file, tmp_path / "spill") as (path, digest):
            assert path.read_bytes() == key.encode()
            assert digest == hashlib.sha256(key.encode()).hexdigest()
    assert list((tmp_path / "spill").iterdir()) == []


@pytest.mark.parametrize(
    ("refused", "kind", "message"),
    [
        (
            (403, "AccessDenied"),
            AuthorizationError,
            "s3://costs/2026/*.csv may not be read with the credentials of this environment; give them read and list "
            "access, or correct them.",
        ),
        (
            (404, "NoSuchBucket"),
            ConfigurationError,
            "s3://costs/2026/*.csv is not there; correct the files of [[infrastructure]].",
        ),
        (
            (400, "InvalidRequest"),
            TransientSourceError,
            "s3://costs/2026/*.csv cannot be read now: the object store did not answer as it should. Try again.",
        ),
    ],
)
def test_a_store_that_refuses_is_one_sentence(
    store: ObjectStore, tmp_path: Path, refused: tuple[int, str], kind: type[CircleciCostError], message: str
) -> None:
    store.put("2026/a.csv", b"x")
    store.refusal = refused
    assert refusal(tmp_path, store.address("2026/*.csv"), kind) == message


def test_nothing_in_a_folder_or_under_a_key_is_one_sentence(store: ObjectStore, tmp_path: Path) -> None:
    store.put("2026/a.csv", b"x")
    for path in ("2026/*.gz", "2026/b.csv"):
        assert refusal(tmp_path, store.address(path), ConfigurationError) == (
            f"No file fits s3://costs/{path}; correct the files of [[infrastructure]], or wait for one."
        )
    assert refusal(tmp_path, store.address("2025/*.csv"), ConfigurationError).startswith("s3://costs/2025/*.csv is not")
    assert refusal(tmp_path, store.address("2026/[z-a].csv"), ConfigurationError).startswith(
        "s3://costs/2026/[z-a].csv is no glob"
    )


def test_a_store_that_is_down_is_one_sentence_without_a_secret(tmp_path: Path) -> None:
    """A section refuses secrets in addresses; should one come this far, no message shows it."""
    address = f"s3://key:{SECRET}@costs/a*.csv?endpoint_override=127.0.0.1:1&scheme=http&region=us-east-1"
    message = refusal(tmp_path, address, TransientSourceError)
    assert message == ("s3://costs/a*.csv cannot be read now: the object store did not answer as it should. Try again.")


def test_unchanged_objects_are_not_fetched_again(store: ObjectStore, tmp_path: Path) -> None:
    store.put("a.csv", daily({"01": "1"}).encode())
    store.put("b.csv", daily({"02": "2"}).encode())
    section = source(store.address("*.csv"))

    def read(known: SourceFiles | None = None) -> SourceFiles:
        before = {"aws": {file.path: file for file in known.present}} if known else {}
        seen = InfrastructureState(files={"aws": known.facts} if known else {})
        (files,) = read_sources([section], before, below(tmp_path), tmp_path / "spill", seen)
        assert isinstance(files, SourceFiles), files
        return files

    first = read()
    assert (len(first.read), store.fetched) == (2, ["a.csv", "b.csv"])
    second = read(first)
    assert (len(second.unchanged), store.fetched) == (2, ["a.csv", "b.csv"])
    # Written anew: one with the same content, one with another.
    store.put("a.csv", daily({"01": "1"}).encode(), at=1_767_225_700)
    store.put("b.csv", daily({"02": "3"}).encode(), at=1_767_225_700)
    third = read(second)
    assert [file.path for file in third.unchanged] == ["s3://costs/a.csv"]
    assert [file.path for file, _ in third.read] == ["s3://costs/b.csv"]
    assert store.fetched == ["a.csv", "b.csv"] * 2


def test_a_broken_object_is_named_without_its_options(store: ObjectStore, tmp_path: Path) -> None:
    store.put("a.csv", b"<html>")
    (problem,) = read_sources([source(store.address("a.csv"))], {}, below(tmp_path), tmp_path / "spill")
    assert isinstance(problem, SourceProblem)
    assert str(problem.error) == (
        "s3://costs/a.csv, line 1: this is an HTML or XML page, not CSV in UTF-8; export it again as CSV or Parquet. "
        "Nothing of this file was used."
    )
    assert list((tmp_path / "spill").iterdir()) == []
