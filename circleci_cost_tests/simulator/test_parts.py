import gzip
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.errors import StorageError
from circleci_cost.simulator import Dialect, write_export_files

from .builders import FIRST, LAST, NOW, PAYING, SHARED, read_parts, rows, scenario


def test_the_parts_together_hold_every_row_once(tmp_path: Path) -> None:
    usual = scenario()
    paths = write_export_files(tmp_path, usual, [PAYING, SHARED], FIRST, LAST, parts=4, as_of=NOW)
    expected = pl.concat([rows(usual, PAYING), rows(usual, SHARED)])
    records = read_parts(paths)
    assert [path.name for path in paths] == [f"part-{n:04d}.csv.gz" for n in range(4)]
    assert sorted(row["JOB_ID"] for row in records) == sorted(expected["JOB_ID"])
    assert sum(int(row["TOTAL_CREDITS"]) for row in records) == expected["TOTAL_CREDITS"].sum()


def test_rows_are_scattered_over_parts_and_unsorted(tmp_path: Path) -> None:
    paths = write_export_files(tmp_path, scenario(), [PAYING], FIRST, LAST, parts=3, as_of=NOW)
    parts = [read_parts([path]) for path in paths]
    workflows = [{row["WORKFLOW_ID"] for row in part} for part in parts]
    dates = [row["JOB_RUN_DATE"] for row in parts[0]]
    assert workflows[0] & workflows[1] & workflows[2]
    assert max(map(len, parts)) < 1.2 * min(map(len, parts))
    assert dates != sorted(dates)


@pytest.mark.parametrize("dialect", ["unquoted", "quoted"])
def test_the_same_export_has_the_same_bytes(tmp_path: Path, dialect: Dialect) -> None:
    first, second = (
        write_export_files(tmp_path / name, scenario(), [PAYING], FIRST, LAST, dialect=dialect, as_of=NOW)
        for name in ("a", "b")
    )
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert gzip.decompress(first[0].read_bytes()).startswith(
        b"ORGANIZATION_ID," if dialect == "unquoted" else b'"ORGANIZATION_ID",'
    )


def test_no_rows_are_no_files(tmp_path: Path) -> None:
    today = NOW.date()
    assert write_export_files(tmp_path, scenario(), [PAYING], today, today, as_of=NOW) == []
    assert list(tmp_path.iterdir()) == []


def test_empty_parts_are_left_out(tmp_path: Path) -> None:
    day = NOW.date() - timedelta(days=5)
    paths = write_export_files(tmp_path, scenario(jobs_per_day=30.0), [PAYING], day, day, parts=50, as_of=NOW)
    assert 0 < len(paths) < 50
    assert [path.name for path in paths] == [f"part-{n:04d}.csv.gz" for n in range(len(paths))]
    assert all(len(read_parts([path])) > 0 for path in paths)


def test_parts_are_never_mixed_with_older_ones(tmp_path: Path) -> None:
    write_export_files(tmp_path, scenario(), [PAYING], FIRST, FIRST, as_of=NOW)
    with pytest.raises(StorageError, match="holds parts of an export already"):
        write_export_files(tmp_path, scenario(), [PAYING], FIRST, FIRST, as_of=NOW)
    with pytest.raises(ValueError, match="at least one part"):
        write_export_files(tmp_path, scenario(), [PAYING], FIRST, FIRST, parts=0, as_of=NOW)
