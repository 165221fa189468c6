"""CSV for people: whatever a name holds, no spreadsheet runs it, no row breaks, and the name can be had back."""

import csv
import io
import re
import unicodedata
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.text.csv_text import csv_line, original_cells, safe_cell, safe_cell_sql

_FORMULAS = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u208a\u207c\u208c\ufb29"
_LINE_ENDS = "\t\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029;"
_UNSEEN = " \x00\x01\x7f\x80\xa0\xad\u200b\u202e\u3000\ufeff\U000e0041"
HOSTILE = [
    "a\r=1+1",
    "a\n=1+1",
    "a\r\n=1+1",
    "\r=1+1",
    "\n=1+1",
    "\tcmd",
    "\rcmd",
    "\ncmd",
    *(f"{each}1+1" for each in _FORMULAS),
    *(f" {each}1" for each in _FORMULAS),
    *(f"{each}=1+1" for each in _UNSEEN),
    *(f"a{each}=1+1" for each in _LINE_ENDS),
    'a";=1+1;"b',
    "'=1+1",
    "''=1+1",
    "' @x",
    "'\r",
    " led by a space",
    "followed by one ",
    'a "quoted" name',
    "a,b",
    "-",
    "=",
    "-=\t-\r+'=",
]
_texts = st.lists(
    st.text(st.sampled_from(_FORMULAS + _LINE_ENDS + _UNSEEN + "',\"a1é\U0001f680"), max_size=8),
    min_size=1,
    max_size=40,
)


def recovered(cell: str) -> str:
    """The name of a cell: one apostrophe less wherever one leads the beginning of a formula."""
    parts = re.split(f"([{_LINE_ENDS}])", cell[1:] if re.match(r"'+[\t\r\n]", cell) else cell)
    return "".join(part[1:] if part.startswith("'") and runs(part.lstrip("'")) else part for part in parts)


def runs(text: str) -> bool:
    """Whether a spreadsheet that begins a cell here may run it."""
    return text.lstrip(_UNSEEN)[:1] in set(_FORMULAS)


def written(names: list[str]) -> str:
    return "".join(csv_line([name, "1.50", None], text_cells=[0]) for name in names)


def by_duckdb(names: list[str]) -> list[str]:
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE names AS SELECT unnest($names) AS name", {"names": names})
        return [made for (made,) in connection.execute(f"SELECT {safe_cell_sql('name')} FROM names").fetchall()]


def as_before(cells: list[str]) -> list[str]:
    frame = pl.DataFrame({"cell": cells}, schema={"cell": pl.String})
    return frame.select(original_cells(pl.col("cell"))).get_column("cell").to_list()


def check(names: list[str]) -> None:
    cells = [row[0] for row in csv.reader(io.StringIO(written(names), newline=""), strict=True)]
    assert [recovered(cell) for cell in cells] == names
    assert as_before(cells) == names
    assert [cell for cell in cells for part in re.split(f"[{_LINE_ENDS}]", cell) if runs(part)] == []
    assert [cell for cell in cells if cell[:1] in {"\t", "\r", "\n"}] == []


def test_f110_no_hostile_name_is_run_or_lost_and_rows_stay_rows() -> None:
    check(HOSTILE)
    assert [safe_cell(name) for name in HOSTILE[:8]] == [
        "a\r'=1+1",
        "a\n'=1+1",
        "a\r\n'=1+1",
        "'\r'=1+1",
        "'\n'=1+1",
        "'\tcmd",
        "'\rcmd",
        "'\ncmd",
    ]


@given(_texts)
@settings(derandomize=True, max_examples=150, deadline=None)
def test_f110_any_name_can_be_had_back_and_duckdb_makes_the_same_of_it(names: list[str]) -> None:
    check(names)
    assert by_duckdb(names) == [safe_cell(name) for name in names]


def test_f110_every_character_that_is_not_seen_or_means_the_same_is_known() -> None:
    characters = [chr(point) for point in range(0x110000)]
    unseen = [each for each in characters if unicodedata.category(each) in {"Cc", "Cf", "Zs", "Zl", "Zp"}]
    assert [each for each in unseen if safe_cell(f"{each}=1") == f"{each}=1"] == []
    same = [each for each in characters if not "\ud800" <= each <= "\udfff"]
    same = [each for each in same if unicodedata.normalize("NFKC", each) in {"=", "+", "-", "@"}]
    assert [each for each in same if safe_cell(f"{each}1") == f"{each}1"] == []
    assert sorted(same) == sorted(_FORMULAS)


def test_names_without_danger_and_numbers_stay_as_they_are() -> None:
    names = ["web", "it's", "a-b", "a = b", "'quoted'", "日本語 \U0001f680", "1", "", "user@example.com"]
    assert [safe_cell(name) for name in names] == names
    assert csv_line(["web", "-1.50", None, "1e-7"], text_cells=[0]) == "web,-1.50,,1e-7\n"


@pytest.mark.parametrize("name", ["a\rb", "a\nb", 'a"b', "a,b", " a", "a "])
def test_f110_what_must_be_quoted_is(name: str) -> None:
    quoted = name.replace('"', '""')
    assert csv_line([name], text_cells=[0]) == f'"{quoted}"\n'


def test_f110_duckdb_and_polars_read_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text(csv_line(["name", "cost", "credits"]) + written(HOSTILE), encoding="utf-8", newline="")
    expected = [safe_cell(name) for name in HOSTILE]
    assert pl.read_csv(path, infer_schema=False).get_column("name").to_list() == expected
    query = "SELECT name FROM read_csv($path, header = true, all_varchar = true, delim = ',', quote = '\"')"
    assert [name for (name,) in duckdb.execute(query, {"path": str(path)}).fetchall()] == expected
