"""What the libraries say of storage, in our words: each error here is one that the library really raises."""

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest
import sqlalchemy as sa

from circleci_cost.assets import PRICING_PERIODS
from circleci_cost.defs.resources import warehouse_resource
from circleci_cost.errors import StorageError
from circleci_cost.lake.disk_failures import storage_failure
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.layout import open_lake
from circleci_cost_tests.faults.limits import files_of_at_most

FRAME = pl.DataFrame({"a": range(100_000)})


def raised_by(act: Callable[[], object]) -> BaseException:
    with pytest.raises(Exception) as caught:
        act()
    return caught.value


def damaged(path: Path) -> Path:
    path.write_bytes(b"neither Parquet nor a database" * 1000)
    return path


def spilling(*settings: str) -> None:
    """More rows than memory holds."""
    with duckdb.connect() as connection:
        for setting in ("memory_limit = '20MB'", *settings):
            connection.execute(f"SET {setting}")
        connection.execute("CREATE TABLE t AS SELECT random() AS a, random() AS b FROM range(3000000)")


def query(text: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(text)


def in_sqlalchemy(path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("select 1 from sqlite_master"))
    finally:
        engine.dispose()


def locked_sqlite(path: Path) -> None:
    first, second = (sqlite3.connect(path, timeout=0, isolation_level=None) for _ in range(2))
    try:
        first.execute("begin exclusive")
        second.execute("begin exclusive")
    finally:
        first.close()
        second.close()


FULL, DAMAGED = os.strerror(errno.EFBIG), "it is damaged"
CASES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "Polars, Parquet on a full disk": (FULL, lambda at: FRAME.write_parquet(at / "f")),
    "Polars, Arrow on a full disk": (FULL, lambda at: FRAME.write_ipc(at / "f")),
    "DuckDB, COPY on a full disk": (FULL, lambda at: query(f"COPY (FROM range(1000000)) TO '{at}/f' (FORMAT parquet)")),
    "Polars, damaged": (DAMAGED, lambda at: pl.read_parquet(damaged(at / "f"))),
    "DuckDB, damaged": (DAMAGED, lambda at: duckdb.connect(str(damaged(at / "f")))),
    "DuckDB, damaged Parquet": (DAMAGED, lambda at: query(f"FROM read_parquet('{damaged(at / 'f')}')")),
    "DuckDB, missing": ("it is missing", lambda at: duckdb.connect(str(at / "f"), read_only=True)),
    "DuckDB, missing Parquet": ("it is missing", lambda at: query(f"FROM read_parquet('{at}/f')")),
    "DuckDB, a folder": ("Is a directory", lambda at: duckdb.connect(str(at))),
    "SQLite, damaged": (DAMAGED, lambda at: sqlite3.connect(damaged(at / "f")).execute("select 1 from sqlite_master")),
    "SQLite, no folder": ("the file cannot be opened", lambda at: sqlite3.connect(at / "none" / "f")),
    "SQLite, locked": ("another program keeps it locked", lambda at: locked_sqlite(at / "f")),
    "SQLAlchemy, damaged": (DAMAGED, lambda at: in_sqlalchemy(damaged(at / "f"))),
    "the system, a circle of links": (os.strerror(errno.ELOOP), lambda at: _circle(at / "f").read_bytes()),
    "the system, memory": (os.strerror(errno.ENOMEM), lambda at: bytearray(1 << 62)),
}


def _circle(path: Path) -> Path:
    path.symlink_to(path)
    return path


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_error_of_storage_has_a_reason_and_an_advice(name: str, tmp_path: Path) -> None:
    reason, act = CASES[name]
    with files_of_at_most(50_000):
        failure = storage_failure(raised_by(lambda: act(tmp_path)))
    assert failure is not None
    assert failure.reason == reason
    assert failure.advice.endswith(", then run the same command again.")
    assert failure.damaged == (reason in {DAMAGED, "it is missing"})


def test_a_full_disk_of_temporary_files_is_not_reported_as_short_memory(tmp_path: Path) -> None:
    short = storage_failure(raised_by(lambda: spilling("temp_directory = ''")))
    full = storage_failure(
        raised_by(lambda: spilling(f"temp_directory = '{tmp_path}/spill'", "max_temp_directory_size = '10KB'"))
    )
    assert short is not None
    assert full is not None
    assert (short.reason, full.reason) == ("memory is short", "the disk has no more space for temporary files")


def test_errors_of_libraries_that_no_test_can_cause_are_recognized() -> None:
    for words, reason in {
        "IO Error: Trying to read a database file with storage version number 999, but we can only read storage "
        "versions between 64 and 68.": "it was written by a newer version",
        'IO Error: Error opening "/d/w": file was written with a storage version greater than the latest version '
        "supported by this DuckDB instance. Try opening": "it was written by a newer version",
        "IO Error: something new": "something new",
        'Invalid Input Error: Failed to read file "/d/data.parquet": ZSTD Decompression failure': DAMAGED,
        "don't know what type: ": DAMAGED,
        "invalid TType": DAMAGED,
        "Out of buffer": DAMAGED,
        "Corrupt database file: computed checksum 1 does not match stored checksum 2 in block at location 0": DAMAGED,
    }.items():
        failure = storage_failure(duckdb.Error(words))
        assert failure is not None
        assert failure.reason == reason
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.ESTALE):
        for error in (OSError(number, ""), OSError(f"{os.strerror(number)} (os error {number})")):
            failure = storage_failure(error)
            assert failure is not None
            assert failure.reason == os.strerror(number)


def test_errors_that_are_not_about_storage_are_left_as_they_are(tmp_path: Path) -> None:
    """Bugs keep their traceback, also where a value holds the words of an error of storage."""
    for act in (
        lambda: query("SELECT nothing"),
        lambda: query("SELECT CAST('No space left on device' AS INTEGER)"),
        lambda: query("SELECT CAST('IO Error: Is a directory' AS INTEGER)"),
        lambda: FRAME.select("b"),
        (tmp_path / "none").read_bytes,
        lambda: sqlite3.connect(":memory:").execute("select nothing"),
    ):
        error = raised_by(act)
        assert storage_failure(error) is None
        with pytest.raises(type(error)), storage_errors("here"):
            raise error


def test_a_table_file_that_is_damaged_or_gone_names_it_and_the_remedy(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    warehouse = warehouse_resource(lake)
    with warehouse.writing(PRICING_PERIODS) as connection:
        connection.execute("INSERT INTO pricing_periods VALUES ('acme', 0.0006, DATE '2026-01-01', NULL)")
    (path,) = lake.tables.rglob("*.parquet")
    whole = path.read_bytes()
    for content, reason in ((whole[:40], "it is damaged"), (None, "it is missing")):
        path.unlink()
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(StorageError) as caught, warehouse.get_connection():
            pass
        assert str(caught.value).startswith(f"Cannot read {path}: {reason}; nothing was changed. Restore it from a ")
        assert "circleci-cost doctor" in str(caught.value)
    path.write_bytes(whole)
    with warehouse.get_connection() as connection:
        assert connection.execute("SELECT count(*) FROM pricing_periods").fetchall() == [(1,)]


def test_a_manifest_that_is_damaged_is_one_sentence(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    warehouse = warehouse_resource(lake)
    with warehouse.writing(PRICING_PERIODS):
        pass
    (manifest,) = lake.tables.rglob("current.json")
    manifest.write_text("{")
    sentence = r"current\.json is no readable manifest of tables; nothing was changed\."
    with pytest.raises(StorageError, match=sentence), warehouse.get_connection():
        pass


def test_an_earlier_warehouse_that_another_program_has_open_names_it(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    path = str(lake.earlier_warehouse)
    code = f"import duckdb, sys; c = duckdb.connect({path!r}); print('o', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"o\n"
        with pytest.raises(StorageError) as caught, warehouse_resource(lake).get_connection():
            pass
        other.kill()
    assert str(caught.value) == (
        f"Cannot use {lake.earlier_warehouse}: another program (PID {other.pid}) has it open; what was there before is "
        "untouched. End that program, then run the same command again."
    )
    with warehouse_resource(lake).get_connection() as connection:
        assert connection.execute("SELECT count(*) FROM daily_costs").fetchall() == [(0,)]


def test_an_earlier_warehouse_that_is_damaged_is_moved_away_and_made_again(tmp_path: Path) -> None:
    lake = open_lake(tmp_path)
    before = damaged(lake.earlier_warehouse).read_bytes()
    with pytest.raises(StorageError) as caught, warehouse_resource(lake).get_connection():
        pass
    assert str(caught.value) == (
        f"Cannot use {lake.earlier_warehouse}: it is damaged; what was there before is untouched. Restore it from a "
        "backup, or move it away and keep it, then run `circleci-cost reprice`, which makes the tables again from the "
        "job runs."
    )
    assert lake.earlier_warehouse.read_bytes() == before
