"""Symbolic links in the data directory: nothing that is not ours is written to, cut off or removed (f119)."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import duckdb
import pytest

from circleci_cost.circleci.quota import QuotaLedger
from circleci_cost.clock import ManualClock
from circleci_cost.defs.resources import warehouse_resource
from circleci_cost.errors import StorageError
from circleci_cost.lake.files import ABANDONED_AFTER_SECONDS, write_atomic
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.spill import new_spill, remove_abandoned_spills
from circleci_cost.lake.turns import turn
from circleci_cost.notify.outbox import outbox_path
from circleci_cost.notify.outbox_file import OutboxFile
from circleci_cost.warehouse.publishing.generations import current_generation, prune
from circleci_cost_tests.circleci.harness import NOW, WINDOW, running
from circleci_cost_tests.model.usage.builders import records
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

from .builders import CENTER, FIRST, ingest, land, land_rows, stored

PRECIOUS = b"what somebody else keeps here"
LONG_AGO = time.time() - 10 * ABANDONED_AFTER_SECONDS


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """A file outside the data directory."""
    path = tmp_path / "precious"
    path.write_bytes(PRECIOUS)
    return path


def take_turn(path: Path) -> None:
    with turn(path):
        pass


def open_warehouse(path: Path) -> None:
    """Take over what an earlier version left there."""
    with warehouse_resource(Lake(path.parent)).get_connection() as connection:
        assert connection.execute("SELECT count(*) FROM daily_costs").fetchall() == [(0,)]


def count_request(path: Path) -> None:
    QuotaLedger(path, ManualClock(NOW)).acquire("GET", "organization")


def open_outbox(path: Path) -> None:
    with OutboxFile(path).transaction() as file:
        file.execute("select 1")


OPENED_IN_PLACE: dict[str, tuple[Callable[[Lake], Path], Callable[[Path], None]]] = {
    "lock": (lambda lake: lake.reading_lock(CENTER), take_turn),
    "warehouse": (lambda lake: lake.earlier_warehouse, open_warehouse),
    "ledger": (lambda lake: lake.quota_ledger, count_request),
    "outbox": (outbox_path, open_outbox),
}


@pytest.mark.parametrize("name", OPENED_IN_PLACE)
@pytest.mark.parametrize("target", ["precious", "a database", "nothing", "a pipe"])
def test_f119_a_link_where_a_file_of_ours_belongs_is_refused(
    lake: Lake, precious: Path, name: str, target: str
) -> None:
    locate, use = OPENED_IN_PLACE[name]
    path = locate(lake)
    path.parent.mkdir(parents=True, exist_ok=True)
    if target == "a database":
        precious.unlink()
        with sqlite3.connect(precious) as database:
            database.execute("create table theirs (number integer)")
        database.close()
    elif target == "nothing":
        precious.unlink()
    if target == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(precious)
    before = precious.read_bytes() if precious.exists() else None
    with pytest.raises(StorageError) as caught:
        use(path)
    kind = "no regular file" if target == "a pipe" else "a symbolic link"
    assert str(caught.value).startswith(f"{path} is {kind}, and a file of circleci_cost belongs there; nothing was wr")
    assert (precious.read_bytes() if precious.exists() else None) == before
    path.unlink()
    use(path)


@pytest.mark.parametrize("journal", ["quota.sqlite-journal", "quota.sqlite-wal", "warehouse.duckdb.wal"])
def test_f119_a_link_where_a_journal_belongs_is_refused(lake: Lake, precious: Path, journal: str) -> None:
    locate, use = OPENED_IN_PLACE["warehouse" if journal.startswith("warehouse") else "ledger"]
    path = locate(lake)
    use(path)
    with duckdb.connect(str(path)) if journal.startswith("warehouse") else nullcontext():
        pass
    path.with_name(journal).symlink_to(precious)
    with pytest.raises(StorageError, match=r"is a symbolic link"):
        use(path)
    assert precious.read_bytes() == PRECIOUS


def test_f119_a_lock_keeps_what_is_in_it(lake: Lake) -> None:
    lake.reading_lock(CENTER).parent.mkdir(parents=True)
    lake.reading_lock(CENTER).write_bytes(PRECIOUS)
    take_turn(lake.reading_lock(CENTER))
    assert lake.reading_lock(CENTER).read_bytes() == PRECIOUS


def test_f119_the_lock_of_a_window_is_never_opened_through_a_link(tmp_path: Path, precious: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    with running(folder) as site:
        landed = site.fetch()
        lock = site.lake.intent("acme", WINDOW.first_day, WINDOW.last_day).with_suffix(".lock")
        lock.symlink_to(precious)
        with pytest.raises(StorageError, match=r"\.lock is a symbolic link"):
            site.fetch()
    assert all(path.is_file() for path in landed.part_paths())
    assert precious.read_bytes() == PRECIOUS


def test_f119_a_file_that_is_replaced_leaves_the_target_of_a_link_alone(lake: Lake, precious: Path) -> None:
    path = lake.job_runs_file(CENTER, FIRST)
    path.parent.mkdir(parents=True)
    path.symlink_to(precious)
    write_atomic(path, b"ours")
    assert (path.is_symlink(), path.read_bytes(), precious.read_bytes()) == (False, b"ours", PRECIOUS)


def test_f119_a_landing_removes_its_predecessors_parts_and_nothing_else(lake: Lake, precious: Path) -> None:
    directory = land(lake, [b"a"])
    (directory / "note.txt").write_text("mine")
    (directory / "kept").mkdir()
    (directory / "other.csv.gz").symlink_to(precious)
    (directory / "part-export-1-0001.csv.gz").symlink_to(precious)
    land(lake, [b"b"], export_id="export-2", hours=1)
    assert sorted(path.name for path in directory.iterdir()) == [
        "kept", "manifest.json", "note.txt", "other.csv.gz", "part-export-2-0000.csv.gz"
    ]  # fmt: skip
    assert precious.read_bytes() == PRECIOUS


def test_f119_a_fetch_removes_temporary_files_and_never_what_they_point_to(tmp_path: Path, precious: Path) -> None:
    folder = tmp_path / "site"
    folder.mkdir()
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "file").write_bytes(PRECIOUS)
    with running(folder) as site:
        directory = site.fetch().directory
        (directory / ".tmp-file").symlink_to(precious)
        (directory / ".tmp-folder").symlink_to(theirs)
        (directory / ".tmp-directory").mkdir()
        shutil.rmtree(site.lake.state)
        site.fetch()
    assert precious.read_bytes() == (theirs / "file").read_bytes() == PRECIOUS
    assert not (directory / ".tmp-file").is_symlink()


def test_f119_spills_are_removed_by_name_and_never_through_a_link(lake: Lake, tmp_path: Path) -> None:
    """The user has the spill on a disk with room, where other folders are as old."""
    scratch = tmp_path / "scratch"
    abandoned, link = new_spill(scratch), new_spill(scratch)
    theirs = [scratch / "their project", scratch / "warehouse", scratch / "infrastructure"]
    for path in [*theirs, abandoned]:
        path.mkdir(parents=True)
        (path / "file").write_bytes(PRECIOUS)
        os.utime(path, (LONG_AGO, LONG_AGO))
    link.symlink_to(theirs[0])
    lake.state.mkdir()
    lake.spill.symlink_to(scratch)
    remove_abandoned_spills(lake.spill)
    assert not abandoned.exists()
    assert [(path / "file").read_bytes() for path in theirs] == [PRECIOUS] * 3


def test_f119_generations_are_removed_by_name_and_never_through_a_link(lake: Lake, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    old = lake.published / "20200101T000000Z-00000001"
    notes = lake.published / "notes of the user"
    for path in (old, notes):
        path.mkdir(parents=True)
    for path in (theirs, old, notes):
        (path / "file").write_bytes(PRECIOUS)
        os.utime(path, (LONG_AGO, LONG_AGO))
    (lake.published / "20200101T000000Z-00000002").symlink_to(theirs)
    assert prune(lake, "") == [old.name]
    assert [(path / "file").read_bytes() for path in (theirs, notes)] == [PRECIOUS] * 2


def test_f119_directories_may_be_links_to_a_larger_disk(tmp_path: Path) -> None:
    """The data directory itself, its exports and the rest: read and written through, and never removed."""
    disk = tmp_path / "disk"
    names = ("exports", "job_runs", "published", "state", "restatements")
    for name in ("data", *names):
        (disk / name).mkdir(parents=True)
    (tmp_path / "data").symlink_to(disk / "data")
    for name in names:
        (disk / "data" / name).symlink_to(disk / name)
    lake = open_lake(tmp_path / "data")
    land_rows(lake, records(2))
    ingest(lake)
    land_rows(lake, records(3), export_id="export-2", hours=1)
    ingest(lake)
    assert stored(lake).height == 3
    with tables_to_publish(lake) as connection:
        publish_tables(connection, lake)
    assert current_generation(lake).directory.is_dir()
    assert all((tmp_path / "data" / name).is_symlink() for name in names)
    assert {path.name for path in (disk / "exports").glob("*/*/*")} == {"manifest.json", "part-export-2-0000.csv.gz"}
