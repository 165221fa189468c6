"""Conditional writes: one of many writers wins, whatever happens to the answers."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from circleci_cost.errors import StorageError
from circleci_cost.lake.conditional import ABSENT, ChangedMeanwhileError, replace_if, state_of, update
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.stores.writes import probe
from circleci_cost_tests.s3_server import AWAY, S3Server


@pytest.fixture(params=["disk", "store"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder on a disk, and one in a store."""
    return tmp_path / "data" if request.param == "disk" else request.getfixturevalue("folder")


def test_an_absent_file_is_created_once_and_replaced_only_as_it_was_read(place: Path) -> None:
    pointer = place / "pointer"
    assert state_of(pointer).version == ABSENT
    first = replace_if(pointer, b"1", ABSENT)
    with pytest.raises(ChangedMeanwhileError, match="pointer"):
        replace_if(pointer, b"other", ABSENT)
    assert state_of(pointer).version == first
    replace_if(pointer, b"2", first)
    with pytest.raises(ChangedMeanwhileError):
        replace_if(pointer, b"late", first)
    assert state_of(pointer).content == b"2"
    pointer.unlink()
    with pytest.raises(ChangedMeanwhileError):
        replace_if(pointer, b"late", first)


def test_of_many_writers_who_create_the_same_file_one_wins(place: Path) -> None:
    barrier = threading.Barrier(6)

    def create(number: int) -> bool:
        barrier.wait()
        try:
            replace_if(place / "pointer", f"writer {number}".encode(), ABSENT)
        except ChangedMeanwhileError:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(create, range(6))) == [False] * 5 + [True]


def test_updates_of_many_writers_are_all_kept(place: Path) -> None:
    def count(_: int) -> None:
        for _ in range(5):
            update(place / "counter", lambda before: str(int(before or b"0") + 1).encode())

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(count, range(4)))
    assert (place / "counter").read_bytes() == b"20"
    assert update(place / "counter", lambda before: None) == b"20"


def _lost_once() -> Callable[[str, str], tuple[str, bytes] | None]:
    answers = iter([AWAY])
    return lambda method, path: next(answers, None) if method == "PUT" else None


def test_f084_a_write_whose_answer_was_lost_is_not_taken_for_another_process(folder: StorePath, s3: S3Server) -> None:
    s3.after = _lost_once()
    first = replace_if(folder / "pointer", b"mine", ABSENT)
    s3.after = _lost_once()
    second = replace_if(folder / "pointer", b"mine too", first)
    assert state_of(folder / "pointer").version == second
    assert state_of(folder / "pointer").content == b"mine too"


def test_a_store_that_honours_conditions_passes_the_probe_and_keeps_nothing_of_it(folder: StorePath) -> None:
    probe(folder.location)
    assert list(folder.iterdir()) == []


def test_a_store_that_ignores_conditions_is_refused(folder: StorePath, s3: S3Server) -> None:
    s3.before_request = lambda environ: [environ.pop(name, None) for name in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH")]
    with pytest.raises(StorageError, match="ignores conditions on writes") as raised:
        probe(folder.location)
    assert str(folder) in str(raised.value)
    assert list(folder.iterdir()) == []
