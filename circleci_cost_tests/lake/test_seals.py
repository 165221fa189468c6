"""A day's file carries its checksum: any changed bit is told, and files of earlier versions, which have none, pass."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from circleci_cost.lake.days import JobRunsDay, read_day, write_day
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.seals import UNSEALED, is_as_sealed, seal
from circleci_cost.model.usage.schema import FILE_SCHEMA

DAY = date(2026, 11, 5)


@pytest.fixture
def path(lake: Lake) -> Path:
    """A day's file as `write_day` leaves it, of a cost center whose name has the seal's own words."""
    rows = pl.DataFrame({"job_id": [f"{UNSEALED} {number}" for number in range(50)]}).match_to_schema(
        pl.Schema(FILE_SCHEMA), missing_columns="insert"
    )
    write_day(lake, JobRunsDay("acme", DAY, rows, {"export": datetime(2026, 11, 6, tzinfo=UTC)}))
    return lake.job_runs_file("acme", DAY)


def test_any_changed_bit_is_told(path: Path) -> None:
    assert is_as_sealed(path)
    content = path.read_bytes()
    digest_begins = content.rindex(b'"sha256": "') + len(b'"sha256": "')
    for place in [*range(0, len(content), 61), digest_begins, digest_begins + 63]:
        path.write_bytes(bytes([*content[:place], content[place] ^ 1, *content[place + 1 :]]))
        # What a footer is after one of these bits is no seal any more: readers refuse it.
        assert not is_as_sealed(path) or unreadable(path), place
    path.write_bytes(content)
    assert is_as_sealed(path)


def test_values_in_a_footer_are_not_taken_for_the_seal(tmp_path: Path) -> None:
    """PyArrow keeps longer values among a column's statistics than Polars does."""
    path = tmp_path / "rows.parquet"
    table = pa.table({"job_name": [UNSEALED, UNSEALED.replace("0", "a")]}).replace_schema_metadata({"a": UNSEALED})
    pq.write_table(table, path)
    assert path.read_bytes().count(UNSEALED.encode()) > 2
    seal(path)
    assert is_as_sealed(path)
    assert pq.read_table(path)["job_name"].to_pylist() == table["job_name"].to_pylist()
    content = path.read_bytes()
    path.write_bytes(content.replace(b"aaaa", b"aaab", 1))
    assert not is_as_sealed(path)


def unreadable(path: Path) -> bool:
    try:
        pl.read_parquet(path)
    except pl.exceptions.PolarsError:
        return True
    return False


def test_the_seal_leaves_the_file_what_it_was(path: Path, lake: Lake) -> None:
    day = read_day(lake, "acme", DAY)
    assert day is not None
    assert day.rows.height == 50
    assert list(day.exports) == ["export"]
    before = path.read_bytes()
    write_day(lake, day)
    assert path.read_bytes() == before


def test_a_file_of_an_earlier_version_passes_and_is_not_sealed_by_mistake(path: Path) -> None:
    pl.read_parquet(path).write_parquet(path)
    assert is_as_sealed(path)
    with pytest.raises(ValueError, match="no place for its checksum"):
        seal(path)
