"""Importing exports that a person joined or saved again: they are read exactly, or refused."""

import csv
import gzip
import io
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circleci_cost.errors import ExportDataError
from circleci_cost.model.usage.imported_records import read_imported
from circleci_cost.model.usage.normalize import normalize

from .builders import COLUMNS, DIALECTS, PART, Record, put, quoted, read_content, record, records, unquoted, written

BOTH = pytest.mark.parametrize("dialect", DIALECTS)
OUTCOME = (
    "Nothing of this file was used; import it as it was downloaded from CircleCI: other programs may change an export "
    "when they save or join it."
)


def imported(folder: Path, content: bytes, block_bytes: int = 16 << 20) -> pl.DataFrame:
    path = put(folder, content)
    rows = pl.concat([normalize(block) for block in read_imported(path, block_bytes)])
    return rows.with_columns(pl.col(pl.Categorical).cast(pl.String))


def refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(ExportDataError) as refused:
        imported(folder, content)
    message = str(refused.value)
    assert message.endswith(f". {OUTCOME}")
    return message.removesuffix(f". {OUTCOME}")


def saved(rows: Sequence[Record], columns: Sequence[str] = COLUMNS, null: str = "", **dialect: object) -> bytes:
    """The rows as Python's csv writes them: quotes only where they are needed, unless `dialect` says otherwise."""
    sink = io.StringIO(newline="")
    writer = csv.writer(sink, **{"lineterminator": "\n", **dialect})  # type: ignore[arg-type]
    writer.writerow(columns)
    writer.writerows([null if row.get(name) is None else row.get(name) for name in columns] for row in rows)
    return sink.getvalue().encode()


NAMES = ["main", 'say "hi"', "a,b", "two\nlines", "a;b", "a\tb"]
ROWS = [record(number, VCS_BRANCH=name) for number, name in enumerate(NAMES, start=1)]


@pytest.fixture
def expected(tmp_path: Path) -> pl.DataFrame:
    return read_content(tmp_path, quoted(ROWS))


def _cat(*parts: bytes) -> bytes:
    return b"".join(parts)


JOINED: dict[str, Callable[[Callable[..., bytes]], bytes]] = {
    "cat": lambda write: _cat(write(ROWS[:2]), write(ROWS[2:])),
    "three files": lambda write: _cat(write(ROWS[:2]), write([]), write(ROWS[2:])),
    "without the last line end": lambda write: _cat(write(ROWS[:2]).rstrip(b"\r\n"), write(ROWS[2:])),
    "byte order marks": lambda write: _cat(b"\xef\xbb\xbf", write(ROWS[:2]), b"\xef\xbb\xbf", write(ROWS[2:])),
    "mark, no line end": lambda write: _cat(write(ROWS[:2]).rstrip(b"\r\n"), b"\xef\xbb\xbf", write(ROWS[2:])),
    "LF and CRLF": lambda write: (
        _cat(write(ROWS[:1]).replace(b"\r\n", b"\n"), write(ROWS[1:2]).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
        + write(ROWS[2:])
    ),
    "another order": lambda write: _cat(write(ROWS[:2]), write(ROWS[2:], COLUMNS[::-1])),
    "another column": lambda write: _cat(
        write(ROWS[:2]), write([{**row, "NEW": "1"} for row in ROWS[2:]], (*COLUMNS, "NEW"))
    ),
    "empty lines": lambda write: _cat(write(ROWS[:2]), b"\n\n", write(ROWS[2:]), b"\r\n,,,,\n\n"),
}


@BOTH
@pytest.mark.parametrize("how", JOINED)
@pytest.mark.parametrize("block_bytes", [1, 3000, 16 << 20])
def test_f054_joined_files_are_read_like_the_single_ones(
    tmp_path: Path, expected: pl.DataFrame, dialect: str, how: str, block_bytes: int
) -> None:
    content = JOINED[how](unquoted if dialect == "unquoted" else quoted)
    assert imported(tmp_path, content, block_bytes).equals(expected)


@BOTH
def test_f032_members_with_a_header_each_are_joined_files(tmp_path: Path, expected: pl.DataFrame, dialect: str) -> None:
    path = tmp_path / PART
    path.write_bytes(gzip.compress(written(dialect, ROWS[:3])) + gzip.compress(written(dialect, ROWS[3:])))
    rows = pl.concat([normalize(block) for block in read_imported(path)])
    assert rows.with_columns(pl.col(pl.Categorical).cast(pl.String)).equals(expected)


def test_f054_lines_are_counted_over_repeated_headers_and_empty_rows(tmp_path: Path) -> None:
    content = unquoted(records(2)) + b"\n\n" + unquoted([record(3), record(4, TOTAL_CREDITS="many")])
    expected = f"{PART}, line 8, column TOTAL_CREDITS: 'many' is not a number of credits with at most 6 decimals"
    assert refusal(tmp_path, content) == expected


def test_f054_a_header_inside_a_value_is_a_value(tmp_path: Path) -> None:
    header = quoted([]).decode().strip()
    rows = [record(1, VCS_BRANCH=f"x\n{header}\ny"), record(2, VCS_BRANCH=",".join(COLUMNS)), record(3)]
    assert imported(tmp_path, quoted(rows)).equals(read_content(tmp_path, quoted(rows)))


def test_joined_files_of_two_dialects_are_refused(tmp_path: Path) -> None:
    what = "a file with another separator or other quotes begins here; import each of the joined files by itself"
    assert refusal(tmp_path, unquoted(records(1)) + quoted([record(2)])) == f"{PART}, line 3: {what}"
    assert refusal(tmp_path, quoted(records(1)) + unquoted([record(2)])) == f"{PART}, line 3: {what}"


SAVED: dict[str, bytes] = {
    "csv.writer": saved(ROWS),
    "pandas": saved(ROWS, lineterminator="\n"),
    "pandas with an index": saved([{**row, "": "0"} for row in ROWS], ("", *COLUMNS)),
    "pandas, twice": saved([{**row, "Unnamed: 0": "0"} for row in ROWS], ("Unnamed: 0", *COLUMNS)),
    "R": saved([{**row, "": "1"} for row in ROWS], ("", *COLUMNS), quoting=csv.QUOTE_ALL),
    "nulls as they were": saved(ROWS, null=r"\N"),
    "European Excel": b"\xef\xbb\xbfsep=;\r\n" + saved(ROWS, delimiter=";", lineterminator="\r\n"),
    "Unicode text": saved(ROWS, delimiter="\t", lineterminator="\r\n").decode().encode("utf-16"),
    "big-endian": b"\xfe\xff" + saved(ROWS).decode().encode("utf-16-be"),
    "trailing columns": saved([{**row, "": None} for row in ROWS], (*COLUMNS, "", "")),
}


@pytest.mark.parametrize("how", SAVED)
@pytest.mark.parametrize("block_bytes", [1, 16 << 20])
def test_f044_an_export_that_was_saved_again_reads_the_same(
    tmp_path: Path, expected: pl.DataFrame, how: str, block_bytes: int
) -> None:
    path = put(tmp_path, SAVED[how])
    rows = pl.concat([normalize(block) for block in read_imported(path, block_bytes)])
    assert rows.with_columns(pl.col(pl.Categorical).cast(pl.String)).equals(expected)
    assert {block.header.unknown for block in read_imported(path)} == {()}


def test_f044_what_polars_writes_reads_the_same(tmp_path: Path, expected: pl.DataFrame) -> None:
    text = pl.DataFrame(ROWS, schema=dict.fromkeys(COLUMNS, pl.String))
    for style in ("necessary", "always", "non_numeric"):
        content = text.write_csv(quote_style=style)
        assert imported(tmp_path, content.encode()).equals(expected)


def test_f057_quotes_that_may_be_a_part_of_the_name_are_refused(tmp_path: Path) -> None:
    content = unquoted([record(1, VCS_BRANCH='"hi"'), record(2)])
    assert refusal(tmp_path, content).startswith(f'{PART}, column VCS_BRANCH: "hi" may be a name with its quotes')
    spark = unquoted([record(1), record(2, VCS_BRANCH="HERE")]).replace(b"HERE", rb'"say \"hi\""')
    assert "quotes written as" in refusal(tmp_path, spark)


def test_f057_a_quote_that_only_opens_is_a_part_of_the_name(tmp_path: Path) -> None:
    content = unquoted([record(1, VCS_BRANCH='"open'), record(2)])
    assert imported(tmp_path, content).get_column("vcs_branch").to_list() == ['"open', "main"]


READ = [
    ("JOB_RUN_NUMBER", "64109.0", 64109),
    ("PARALLELISM", "1E+00", 1),
    ("TOTAL_CREDITS", "42,5", Decimal("42.5")),
    ("TOTAL_CREDITS", "1E+05", Decimal(100_000)),
    ("MAX_CPU_UTILIZATION_PCT", "99,125", 99.125),
    ("IS_WORKFLOW_SUCCESSFUL", "TRUE", True),
    ("IS_UNREGISTERED_USER", "FALSE", False),
]


@pytest.mark.parametrize(("column", "text", "value"), READ)
def test_f066_values_of_other_programs_that_mean_one_thing_are_read(
    tmp_path: Path, column: str, text: str, value: object
) -> None:
    content = saved([record(1, **{column: text})], delimiter=";")
    assert imported(tmp_path, content).item(0, column.lower()) == value


def test_f076_dates_that_mean_one_day_are_read(tmp_path: Path) -> None:
    for text in ("01.10.2026", "1.10.2026", "2026/10/01", "2026-10-01 00:00:00", "2026-10-01T00:00:00.000"):
        rows = imported(tmp_path, saved([record(1, JOB_RUN_DATE=text, JOB_RUN_STOPPED_AT="1.10.2026 9:05:07")]))
        assert str(rows.item(0, "job_run_date")) == "2026-10-01"
        assert str(rows.item(0, "job_run_stopped_at")) == "2026-10-01 09:05:07"


SPREADSHEET = "looks like one of a spreadsheet, which does not say what it means exactly"


@pytest.mark.parametrize(
    ("column", "text", "what"),
    [
        *(("JOB_RUN_DATE", text, SPREADSHEET) for text in ("11/14/2024", "10/11/2024", "45610", "14-Nov-24", "1.2.24")),
        *(("JOB_RUN_STOPPED_AT", text, SPREADSHEET) for text in ("11/14/2024 10:05", "10:40.8", "45610,5")),
        ("JOB_RUN_DATE", "2026-10-01 10:00:00", "is not a date YYYY-MM-DD"),
        ("TOTAL_CREDITS", "1,234", "may be decimals or thousands"),
        ("TOTAL_CREDITS", "1.234", "may be decimals or thousands"),
        ("JOB_RUN_NUMBER", "64.109", "may be decimals or thousands"),
        ("IS_WORKFLOW_SUCCESSFUL", "WAHR", "is not true or false"),
        ("TOTAL_CREDITS", "NaN", "is not a number of credits"),
    ],
)
def test_f066_values_that_may_mean_two_things_are_refused(tmp_path: Path, column: str, text: str, what: str) -> None:
    message = refusal(tmp_path, saved([record(1), record(2, **{column: text})], delimiter=";"))
    assert message.startswith(f"{PART}, line 3, column {column}: '{text}' is not ")
    assert what in message


branches = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=8)
nasty = st.text(st.sampled_from('\\N,;"\n \ta'), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.tuples(branches | nasty, st.integers(-(10**9), 10**9)), min_size=1, max_size=4),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    delimiter=st.sampled_from(",;\t"),
    line_end=st.sampled_from(["\n", "\r\n"]),
    index=st.booleans(),
    again=st.booleans(),
)
def test_what_pythons_csv_writes_in_any_dialect_is_read_exactly_or_refused(
    tmp_path: Path,
    cells: list[tuple[str, int]],
    *,
    quoting: int,
    delimiter: str,
    line_end: str,
    index: bool,
    again: bool,
) -> None:
    """Python's csv and Decimal are the oracle."""
    records_written = [
        record(number, JOB_NAME=name, TOTAL_CREDITS=f"{Decimal(units).scaleb(-3).normalize():f}")
        for number, (name, units) in enumerate(cells, start=1)
    ]
    columns = ("", *COLUMNS) if index else COLUMNS
    content = saved(records_written, columns, delimiter=delimiter, lineterminator=line_end, quoting=quoting)
    oracle = list(csv.DictReader(io.StringIO(content.decode(), newline=""), delimiter=delimiter, strict=True))
    try:
        rows = imported(tmp_path, content * 2 if again else content)
    except ExportDataError as error:
        assert str(error).endswith(OUTCOME)
        return
    wanted = [Decimal(row["TOTAL_CREDITS"]) for row in oracle] * (2 if again else 1)
    assert rows.get_column("total_credits").to_list() == wanted
    assert rows.get_column("job_id").to_list() == [row["JOB_ID"] for row in oracle] * (2 if again else 1)


@pytest.mark.parametrize("names", [["total_credits"] * 8000, ["TOTAL_CREDITS" * 40_000, "TOTAL_CREDITS\n" * 40_000]])
@BOTH
def test_reading_records_that_name_a_column_takes_linear_time(tmp_path: Path, dialect: str, names: list[str]) -> None:
    """Each mark of a header led to a search through everything before it: 3 MB took more than a minute."""
    content = written(dialect, [record(number, JOB_NAME=name) for number, name in enumerate(names, start=1)])
    begun = time.process_time()
    blocks = list(read_imported(put(tmp_path, content)))
    assert (b"".join(block.data for block in blocks), time.process_time() - begun < 3) == (
        content.split(b"\n", 1)[1],
        True,
    )


def test_reading_empty_rows_between_all_records_takes_linear_time(tmp_path: Path) -> None:
    content = quoted(records(20_000)).replace(b"\r\n", b"\r\n\r\n")
    begun = time.process_time()
    assert sum(block.data.count(b"\n") for block in read_imported(put(tmp_path, content))) == 20_000
    assert time.process_time() - begun < 3


def test_a_long_value_with_quotes_takes_no_longer_than_its_length(tmp_path: Path) -> None:
    content = unquoted([record(1, JOB_NAME=',"' * 100_000)])
    begun = time.process_time()
    assert [block.data for block in read_imported(put(tmp_path, content))] == [content.split(b"\n", 1)[1]]
    assert time.process_time() - begun < 3
