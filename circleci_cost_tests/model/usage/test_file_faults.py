"""Faults 42 to 59: files that deviate from a usage export. Refusals name file, line and column."""

import gzip
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.errors import ExportDataError
from circleci_cost.model.usage.records import read_records

from .builders import (
    COLUMNS,
    DIALECTS,
    PART,
    job_id,
    put,
    quoted,
    read,
    read_content,
    record,
    records,
    refusal,
    unquoted,
    written,
)

BOTH = pytest.mark.parametrize("dialect", DIALECTS)
SMALL_AND_LARGE = pytest.mark.parametrize("block_bytes", [1, 1000, 16 << 20])


@BOTH
@SMALL_AND_LARGE
def test_f042_a_byte_order_mark_is_skipped(tmp_path: Path, dialect: str, block_bytes: int) -> None:
    plain = read_content(tmp_path, written(dialect, records(3)))
    marked = read_content(tmp_path, b"\xef\xbb\xbf" + written(dialect, records(3)), block_bytes)
    assert marked.equals(plain)


@BOTH
@SMALL_AND_LARGE
def test_f043_lf_and_crlf_read_the_same(tmp_path: Path, dialect: str, block_bytes: int) -> None:
    crlf = written(dialect, records(3)).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    lf = crlf.replace(b"\r\n", b"\n")
    assert read_content(tmp_path, crlf, block_bytes).equals(read_content(tmp_path, lf))


def test_f043_a_lone_carriage_return_in_a_record_is_refused(tmp_path: Path) -> None:
    content = unquoted([record(1), record(2, VCS_BRANCH="a\rb")])
    assert refusal(tmp_path, content) == f"{PART}, line 3: a lone carriage return (CR) inside a record"


@BOTH
def test_f043_lines_that_end_with_a_lone_carriage_return_are_refused(tmp_path: Path, dialect: str) -> None:
    content = written(dialect, records(2)).replace(b"\r\n", b"\n").replace(b"\n", b"\r")
    expected = f"{PART}, line 1: lines end with a lone carriage return (CR); LF or CRLF is expected"
    assert refusal(tmp_path, content) == expected


def test_f043_one_lone_carriage_return_between_quoted_records_is_refused(tmp_path: Path) -> None:
    first, second, third = quoted(records(2)).splitlines()
    content = first + b"\r\n" + second + b"\r" + third + b"\r\n"
    expected = f"{PART}, line 2: a quote is not closed or is followed by other text, or a line ends with a lone CR"
    assert refusal(tmp_path, content) == expected


@BOTH
@SMALL_AND_LARGE
def test_f044_quotes_commas_backslashes_and_newlines_in_names_survive(
    tmp_path: Path, dialect: str, block_bytes: int
) -> None:
    names = [
        'say "hi"',
        '"',
        "a,b",
        ",",
        "two\nlines",
        "\n",
        "back\\slash",
        "\\",
        "\\,",
        "ends with \\",
        "a\\\\N",
        "\\t",
    ]
    rows = [record(number, VCS_BRANCH=name, JOB_NAME="last") for number, name in enumerate(names)]
    job_runs = read_content(tmp_path, written(dialect, rows), block_bytes)
    assert job_runs.get_column("vcs_branch").to_list() == names
    assert job_runs.get_column("job_name").to_list() == ["last"] * len(names)


@BOTH
@SMALL_AND_LARGE
def test_f044_lines_are_counted_over_newlines_inside_values(tmp_path: Path, dialect: str, block_bytes: int) -> None:
    rows = [record(1, VCS_BRANCH="a\nb\nc"), record(2), record(3, JOB_NAME="x\ny"), record(4, TOTAL_CREDITS="many")]
    expected = f"{PART}, line 8, column TOTAL_CREDITS: 'many' is not a number of credits with at most 6 decimals"
    assert refusal(tmp_path, written(dialect, rows), block_bytes) == expected


@BOTH
def test_f045_text_of_any_script_is_kept_as_it_is(tmp_path: Path, dialect: str) -> None:
    names = [
        "Prüfung",
        "e\u0301 and \u00e9",
        "\u05e9\u05dc\u05d5\u05dd",
        "\U0001f680 launch",
        "名前",
        "\ufdd0\ufdd1\ufdd2,\\",
    ]
    rows = [record(number, WORKFLOW_NAME=name) for number, name in enumerate(names)]
    assert read_content(tmp_path, written(dialect, rows)).get_column("workflow_name").to_list() == names


def test_f045_a_block_that_leaves_no_stand_in_is_refused(tmp_path: Path) -> None:
    branch = "".join(chr(point) for point in range(0xFDD0, 0xFDEE))
    expected = f"{PART}, line 2: the records hold too many Unicode noncharacters (U+FDD0 to U+FDEF)"
    assert refusal(tmp_path, unquoted([record(1, VCS_BRANCH=branch, JOB_NAME="a,b")])) == expected


@BOTH
@SMALL_AND_LARGE
def test_f046_broken_utf8_is_refused(tmp_path: Path, dialect: str, block_bytes: int) -> None:
    rows = [record(1, JOB_NAME="two\nlines"), record(2), record(3, ORGANIZATION_NAME="a,\nb", VCS_BRANCH="BROKEN")]
    content = written(dialect, rows).replace(b"BROKEN", b"a\xc3(")
    expected = f"{PART}, line 6, column VCS_BRANCH: the text is not valid UTF-8"
    assert refusal(tmp_path, content, block_bytes) == expected


@BOTH
def test_f046_a_nul_byte_is_refused(tmp_path: Path, dialect: str) -> None:
    content = written(dialect, [record(1), record(2, JOB_NAME="a\0b")])
    assert refusal(tmp_path, content) == f"{PART}, line 3: a NUL byte, which no export holds"


def test_f046_a_header_that_is_not_text_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, b"\xff\xfeO\x00R\x00\n").startswith(f"{PART}, line 1: the header cannot be read")


@pytest.mark.parametrize("null", [r"\\N", r"\N", ""])
@BOTH
def test_f047_every_form_of_null_is_null(tmp_path: Path, dialect: str, null: str) -> None:
    optional = [column for column in COLUMNS if column not in _NEVER_NULL]
    rows = [record(1, **dict.fromkeys(optional)), record(2)]
    write = unquoted if dialect == "unquoted" else quoted
    job_runs = read_content(tmp_path, write(rows, null=null))
    nulls = {name for name in job_runs.columns if job_runs.get_column(name)[0] is None}
    assert nulls == {name.lower() for name in optional}
    assert job_runs.get_column("other_credits").to_list() == [42, 0]


_NEVER_NULL = ("ORGANIZATION_ID", "PROJECT_ID", "JOB_ID", "JOB_RUN_DATE", "TOTAL_CREDITS")


@pytest.mark.parametrize("column", _NEVER_NULL)
@pytest.mark.parametrize("null", [r"\\N", r"\N", ""])
@BOTH
def test_f047_null_is_refused_where_every_job_has_a_value(tmp_path: Path, dialect: str, null: str, column: str) -> None:
    write = unquoted if dialect == "unquoted" else quoted
    content = write([record(1), record(2, **{column: None})], null=null)
    assert refusal(tmp_path, content) == f"{PART}, line 3, column {column}: there is no value, and every job has one"


@BOTH
@SMALL_AND_LARGE
def test_f048_a_file_that_is_only_a_header_has_no_jobs(tmp_path: Path, dialect: str, block_bytes: int) -> None:
    for content in (written(dialect, []), written(dialect, []).rstrip()):
        job_runs = read_content(tmp_path, content, block_bytes)
        assert job_runs.schema == read_content(tmp_path, written(dialect, records(1))).schema
        assert job_runs.height == 0


@BOTH
def test_f048_a_file_without_a_header_is_refused(tmp_path: Path, dialect: str) -> None:
    content = written(dialect, records(2)).split(b"\n", 1)[1]
    assert refusal(tmp_path, content) == f"{PART}, line 1: there is no header with the columns of a usage export"


def test_f048_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, b"") == f"{PART}, line 1: the file is empty, not even a header is there"


@pytest.mark.parametrize(
    "page", [b"<!DOCTYPE html>\n<p>hi", b"<html>", b'<?xml version="1.0"?>\n<Error/>', b"\n<Error>"]
)
def test_f035_a_web_page_is_refused(tmp_path: Path, page: bytes) -> None:
    expected = f"{PART}, line 1: this is a web page or an XML error, not a usage export"
    assert refusal(tmp_path, page) == expected


@BOTH
def test_f049_a_new_column_is_skipped_and_reported(tmp_path: Path, dialect: str) -> None:
    rows = [{**row, "AI_CREDITS": "7,5"} for row in records(2)]
    path = put(tmp_path, written(dialect, rows, ("AI_CREDITS", *COLUMNS)))
    assert [block.header.unknown for block in read_records(path)] == [("AI_CREDITS",)]
    assert read(path).equals(read_content(tmp_path, written(dialect, records(2))))


@pytest.mark.parametrize("column", ["JOB_ID", "TOTAL_CREDITS", "JOB_RUN_DATE", "ORGANIZATION_ID"])
@BOTH
def test_f050_a_missing_required_column_is_refused(tmp_path: Path, dialect: str, column: str) -> None:
    columns = [name for name in COLUMNS if name != column]
    expected = f"{PART}, line 1: the required column {column} is missing"
    assert refusal(tmp_path, written(dialect, records(2), columns)) == expected


@BOTH
def test_f051_a_missing_optional_column_is_null(tmp_path: Path, dialect: str) -> None:
    columns = [name for name in COLUMNS if name not in ("LEASE_CREDITS", "EXECUTOR")]
    path = put(tmp_path, written(dialect, records(2), columns))
    assert [block.header.missing for block in read_records(path)] == [("EXECUTOR", "LEASE_CREDITS")]
    full = read_content(tmp_path, written(dialect, records(2)))
    expected = full.with_columns(
        lease_credits=pl.lit(None, dtype=full.schema["lease_credits"]), executor=pl.lit(None, dtype=pl.String)
    )
    assert read(put(tmp_path, written(dialect, records(2), columns))).equals(expected)


@BOTH
def test_f052_the_order_of_the_columns_does_not_matter(tmp_path: Path, dialect: str) -> None:
    turned = read_content(tmp_path, written(dialect, records(2), COLUMNS[::-1]))
    assert turned.equals(read_content(tmp_path, written(dialect, records(2))))


@BOTH
def test_f053_the_case_of_the_column_names_does_not_matter(tmp_path: Path, dialect: str) -> None:
    header, rest = written(dialect, records(2)).split(b"\n", 1)
    job_runs = read_content(tmp_path, header.lower() + b"\n" + rest)
    assert job_runs.equals(read_content(tmp_path, written(dialect, records(2))))


@BOTH
def test_f053_a_renamed_column_counts_as_missing(tmp_path: Path, dialect: str) -> None:
    content = written(dialect, records(2)).replace(b"TOTAL_CREDITS", b"SUM_CREDITS", 1)
    assert refusal(tmp_path, content) == f"{PART}, line 1: the required column TOTAL_CREDITS is missing"


@BOTH
def test_f054_a_column_named_twice_is_refused(tmp_path: Path, dialect: str) -> None:
    columns = (*COLUMNS, "JOB_ID")
    assert refusal(tmp_path, written(dialect, records(2), columns)) == f"{PART}, line 1: the header names JOB_ID twice"


@BOTH
@SMALL_AND_LARGE
def test_f054_a_header_repeated_among_the_records_is_refused(tmp_path: Path, dialect: str, block_bytes: int) -> None:
    content = gzip.compress(written(dialect, records(2))) + gzip.compress(written(dialect, records(1)))
    path = tmp_path / PART
    path.write_bytes(content)
    with pytest.raises(
        ExportDataError, match=f"^{PART}, line 4, column ORGANIZATION_ID: 'ORGANIZATION_ID' is not a UUID"
    ):
        read(path, block_bytes)


@BOTH
@SMALL_AND_LARGE
def test_f055_a_short_row_is_refused(tmp_path: Path, dialect: str, block_bytes: int) -> None:
    lines = written(dialect, records(4)).splitlines(keepends=True)
    lines[3] = b",".join(lines[3].rstrip().split(b",")[:-1]) + b"\n"
    expected = f"{PART}, line 4: 47 values where the header has 48 columns"
    assert refusal(tmp_path, b"".join(lines), block_bytes) == expected
    lines[3] = lines[3].partition(b",")[0] + b"\n"
    expected = f"{PART}, line 4: 1 value where the header has 48 columns"
    assert refusal(tmp_path, b"".join(lines), block_bytes) == expected


@BOTH
@SMALL_AND_LARGE
def test_f056_a_long_row_is_refused(tmp_path: Path, dialect: str, block_bytes: int) -> None:
    lines = written(dialect, [record(1, VCS_BRANCH="two\nlines"), *records(3)]).splitlines(keepends=True)
    lines[4] = lines[4].rstrip() + b',"1"\n'
    expected = f"{PART}, line 5: 49 values where the header has 48 columns"
    assert refusal(tmp_path, b"".join(lines), block_bytes) == expected


@BOTH
def test_f056_an_empty_line_is_refused(tmp_path: Path, dialect: str) -> None:
    lines = written(dialect, records(3)).splitlines(keepends=True)
    message = refusal(tmp_path, b"".join([*lines[:2], b"\n", *lines[2:]]))
    assert message == f"{PART}, line 3, column ORGANIZATION_ID: there is no value, and every job has one"


@SMALL_AND_LARGE
def test_f057_an_unterminated_quote_is_refused(tmp_path: Path, block_bytes: int) -> None:
    content = quoted([record(1), record(2, VCS_BRANCH="OPEN"), record(3)]).replace(b'"OPEN"', b'"OPEN')
    expected = f"{PART}, line 3: a quote is not closed or is followed by other text, or a line ends with a lone CR"
    assert refusal(tmp_path, content, block_bytes) == expected


@pytest.mark.parametrize("stray", [b'"a"b"', b'a"b', b'"a" ', b' "a"', b'""a"', b'a""b'])
def test_f057_a_quote_out_of_place_is_refused(tmp_path: Path, stray: bytes) -> None:
    content = quoted([record(1), record(2, VCS_BRANCH="HERE"), record(3)]).replace(b'"HERE"', stray)
    expected = f"{PART}, line 3: a quote is not closed or is followed by other text, or a line ends with a lone CR"
    assert refusal(tmp_path, content) == expected


def test_f057_quotes_in_the_unquoted_dialect_are_part_of_the_value(tmp_path: Path) -> None:
    job_runs = read_content(tmp_path, unquoted([record(1, VCS_BRANCH='"open'), record(2, VCS_BRANCH='a"b"')]))
    assert job_runs.get_column("vcs_branch").to_list() == ['"open', 'a"b"']


def test_f057_a_quote_that_never_closes_is_refused_before_memory_is_full(tmp_path: Path) -> None:
    content = quoted([record(1, VCS_BRANCH="OPEN")]).replace(b'"OPEN"', b'"OPEN' + b"x" * (65 << 20))
    path = put(tmp_path, content)
    with pytest.raises(ExportDataError, match="line 2: a record is longer than 64 MiB; a quote may not be closed"):
        next(read_records(path))


@BOTH
def test_f058_parts_may_differ_in_header_and_dialect(tmp_path: Path, dialect: str) -> None:
    first = put(tmp_path, unquoted(records(2)), "first.csv.gz")
    second = put(tmp_path, written(dialect, [record(3)], COLUMNS[::-1]), "second.csv.gz")
    both = pl.concat([read(first), read(second)])
    assert both.get_column("job_id").to_list() == [job_id(1), job_id(2), job_id(3)]


@BOTH
@pytest.mark.parametrize("character", ["x", "\n", ",", '"', "\\", "\U0001f680"])
def test_f059_a_field_of_a_megabyte_is_read(tmp_path: Path, dialect: str, character: str) -> None:
    name = character * (1 << 20)
    content = written(dialect, [record(1), record(2, VCS_BRANCH=name), record(3)])
    assert read_content(tmp_path, content).get_column("vcs_branch").to_list() == ["main", name, "main"]


@BOTH
def test_f059_a_mistake_behind_a_long_field_is_still_found(tmp_path: Path, dialect: str) -> None:
    rows = [record(1, VCS_BRANCH="x,\n" * (1 << 18)), record(2, PARALLELISM="two")]
    expected = f"{PART}, line {3 + (1 << 18)}, column PARALLELISM: 'two' is not a whole number"
    assert refusal(tmp_path, written(dialect, rows)) == expected


@BOTH
def test_f029_a_truncated_file_is_refused(tmp_path: Path, dialect: str) -> None:
    path = put(tmp_path, written(dialect, records(50)))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ExportDataError, match=f"^{PART}: the gzip stream is damaged"):
        read(path)


def test_f030_one_flipped_bit_is_refused_wherever_it_is(tmp_path: Path) -> None:
    path = put(tmp_path, unquoted(records(50)))
    whole = path.read_bytes()
    for position in range(12, len(whole), len(whole) // 60):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x10]) + whole[position + 1 :])
        with pytest.raises(ExportDataError):
            read(path)
