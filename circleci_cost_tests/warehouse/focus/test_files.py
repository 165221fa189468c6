"""Files that are limited in rows and bytes: in order, complete, and never over a limit."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.errors import CircleciCostError
from circleci_cost.model.focus.receivers import RECEIVERS
from circleci_cost.warehouse.focus.files import write_parts
from circleci_cost.warehouse.focus.rows import Query
from circleci_cost_tests.warehouse.focus.conformance import read_rows

_RECEIVER = RECEIVERS["vantage"]
_QUERY = Query({"place": "rows.place", "name": "rows.name"}, "names AS rows", "rows.place", frozenset({"name"}))


def written(names: list[str], folder: Path, most_rows: int, most_bytes: int | None) -> list[Path]:
    """The files of some names."""
    with duckdb.connect() as connection:
        connection.execute(
            "CREATE TABLE names AS SELECT unnest($names) AS name, unnest(range(len($names))) AS place", {"names": names}
        )
        receiver = replace(_RECEIVER, most_rows=most_rows, most_bytes=most_bytes)
        files = write_parts(connection, _QUERY, receiver, folder, name="part", ending=".csv")
    assert [file.rows for file in files] == [len(read_rows(file.path)) for file in files]
    return [file.path for file in files]


@given(
    st.lists(st.text(st.sampled_from('a",\n=é€😀'), max_size=12), min_size=1, max_size=40),
    st.integers(1, 9),
    st.integers(120, 400),
)
@settings(derandomize=True, max_examples=15, deadline=None)
def test_no_file_is_over_a_limit_and_no_row_is_lost(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], most_rows: int, most_bytes: int
) -> None:
    paths = written(names, tmp_path_factory.mktemp("parts"), most_rows, most_bytes)
    contents = [read_rows(path) for path in paths]
    assert [int(row["place"]) for rows in contents for row in rows] == list(range(len(names)))
    assert all(0 < len(rows) <= most_rows for rows in contents if names)
    assert all(path.stat().st_size <= most_bytes for path in paths)


def test_a_limit_of_rows_alone_fills_each_file(tmp_path: Path) -> None:
    paths = written(["a"] * 7, tmp_path, 3, None)
    assert [len(read_rows(path)) for path in paths] == [3, 3, 1]
    assert [path.name for path in paths] == ["part-1.csv", "part-2.csv", "part-3.csv"]


def test_no_rows_are_a_file_with_a_header(tmp_path: Path) -> None:
    (path,) = written([], tmp_path, 3, 1000)
    assert path.read_text() == "place,name\n"


def test_a_row_that_is_larger_than_a_file_may_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CircleciCostError, match="takes more than the 100 bytes that Vantage accepts"):
        written(["a" * 200], tmp_path, 3, 100)
