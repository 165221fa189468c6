"""Random exports, written by Python's csv and checked with Python's Decimal: what is read is what was written."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circleci_cost.errors import ExportDataError
from circleci_cost.model.usage.charge_types import EXPORTED_CHARGE_TYPES
from circleci_cost.model.usage.dialects import NULLS
from circleci_cost.model.usage.normalize import normalize, normalize_text
from circleci_cost.model.usage.records import read_records
from circleci_cost.model.usage.schema import EXPORT_COLUMNS, Column, Kind
from circleci_cost.model.usage.split import split_text, split_typed

from .builders import COLUMNS, Record, job_id, put, quoted, read, record, unquoted, written

EXACT = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), min_size=1, max_size=12).filter(
    lambda text: text not in NULLS
)
specials = st.text(st.sampled_from('\\N,"\n \tab\ufdd0'), min_size=1, max_size=6).filter(lambda text: text not in NULLS)
credit_units = st.integers(-(10**17), 10**17) | st.integers(-(10**7), 10**7)
times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1))  # noqa: DTZ001


def credit_text(units: int) -> str:
    """Millionths of a credit as a decimal, in one of the notations that exports and fixtures use."""
    exact = Decimal(units).scaleb(-6)
    forms = [f"{exact:f}", f"{exact.normalize():f}", f"{exact.normalize():e}", f"{exact.normalize()}"]
    return forms[units % 4]


_VALUES: dict[Kind, st.SearchStrategy[tuple[str, Any]]] = {
    Kind.TEXT: (names | specials).map(lambda text: (text, text)),
    Kind.ID: st.builds(lambda uuid, loud: (uuid.upper() if loud else uuid, uuid), st.uuids().map(str), st.booleans()),
    Kind.INTEGER: st.integers(-(2**63), 2**63 - 1).map(lambda number: (str(number), number)),
    Kind.PERCENT: st.floats(0, 100).map(lambda number: (repr(number), number)),
    Kind.CREDITS: credit_units.map(lambda units: (credit_text(units), Decimal(units).scaleb(-6))),
    Kind.BOOLEAN: st.sampled_from([("true", True), ("True", True), ("Y", True), ("false", False), ("N", False)]),
    Kind.DATE: st.dates().map(lambda day: (day.isoformat(), day)),
    Kind.TIMESTAMP: times.map(lambda time: (time.isoformat(" "), time)),
}
_VALUES[Kind.REPEATED_ID] = _VALUES[Kind.ID]


def values_of(column: Column) -> st.SearchStrategy[tuple[str, Any]]:
    """A value as the export writes it, and as it must be read."""
    return _VALUES[column.kind]


def cells(column: Column) -> st.SearchStrategy[tuple[str | None, Any]]:
    values: st.SearchStrategy[tuple[str | None, Any]] = values_of(column)
    return values if column.never_null else values | st.just((None, None))


tables = st.lists(
    st.fixed_dictionaries({column.source: cells(column) for column in EXPORT_COLUMNS}), min_size=1, max_size=5
)


@EXACT
@given(table=tables, null=st.sampled_from(NULLS), block_bytes=st.integers(1, 3000))
def test_what_is_written_in_either_dialect_is_what_is_read(
    tmp_path: Path, table: list[dict[str, tuple[str | None, Any]]], null: str, block_bytes: int
) -> None:
    rows: list[Record] = [{name: text for name, (text, _) in line.items()} for line in table]
    expected = [expected_row(line) for line in table]
    in_quotes = quoted(rows, null=null)
    oracle = list(csv.DictReader(io.StringIO(in_quotes.decode(), newline=""), strict=True))
    assert [{name: None if text in NULLS else text for name, text in row.items()} for row in oracle] == rows
    for content in (in_quotes, unquoted(rows, null=null)):
        path = put(tmp_path, content)
        assert read(path).rows(named=True) == expected
        assert read(path, block_bytes).rows(named=True) == expected


def expected_row(line: dict[str, tuple[str | None, Any]]) -> dict[str, Any]:
    row = {name.lower(): value for name, (_, value) in line.items()}
    known = sum((row[f"{charge}_credits"] or Decimal(0) for charge in EXPORTED_CHARGE_TYPES), Decimal(0))
    return {**row, "other_credits": row["total_credits"] - known}


@EXACT
@given(
    text=st.decimals(allow_nan=True, allow_infinity=True).map(str)
    | st.text("0123456789.eE+-_ ", min_size=1, max_size=24)
)
def test_a_decimal_is_read_exactly_or_refused(tmp_path: Path, text: str) -> None:
    path = put(tmp_path, quoted([record(1, TOTAL_CREDITS=text)]))
    try:
        credits = read(path).item(0, "total_credits")
    except ExportDataError as error:
        assert "column TOTAL_CREDITS" in str(error)
        return
    assert credits == Decimal(text)


@EXACT
@given(units=st.lists(credit_units.filter(lambda units: abs(units) < 10**12), min_size=1, max_size=50))
def test_sums_equal_those_of_decimal(tmp_path: Path, units: list[int]) -> None:
    rows = [record(number, TOTAL_CREDITS=credit_text(value)) for number, value in enumerate(units)]
    job_runs = read(put(tmp_path, unquoted(rows)))
    assert job_runs.get_column("total_credits").sum() == sum(Decimal(value).scaleb(-6) for value in units)


NASTY: dict[Kind, list[str]] = {
    Kind.TEXT: ["0x10", "\\", "\\N", "\\\\N", "a\\\\N", '"', "\ufdd0", " ", "\t", "a,b", "a\nb", "N"],
    Kind.ID: [
        *(job_id(7).upper(), job_id(7)[:-1], job_id(7) + "0", job_id(7).replace("-", "")),
        *("g" + job_id(7)[1:], "{}", "-" * 36),
    ],
    Kind.INTEGER: [
        "5",
        " 5",
        "5 ",
        "+5",
        "-5",
        "007",
        "5.0",
        "1e3",
        "0x10",
        " 0x10",
        "0X1f",
        "1_0",
        "\uff19",
        "9" * 19,
        "",
    ],
    Kind.PERCENT: ["5", "5.25", ".5", "5.", "+5", " 5", "1e2", "1e400", "nan", "inf", "0x1p3", "1_0", "5%"],
    Kind.CREDITS: ["5", " 5", "+5", "-5", "5.5", "5.", "1e3", "0x10", "1e-7", "999999999999", "1000000000000", "nan"],
    Kind.BOOLEAN: ["true", "True", "TRUE", "Y", "N", "y", "1", "0", " true", "false", "False"],
    Kind.DATE: [
        *("2026-02-29", "2024-02-29", " 2026-01-01", "0000-01-01", "0001-01-01", "2026-1-1"),
        *("2026-01-01 00:00:00", "20260101"),
    ],
    Kind.TIMESTAMP: [
        *("2026-01-01", "2026-01-01 10", "2026-01-01 10:00", "2026-01-01T10:00:00", "2026-01-01 1000"),
        *("2026-01-01 10:00:00.1234567", "2026-01-01 10:00:00Z", "2026-01-01 10:00:00."),
        *(" 2026-01-01 10:00:00", "0000-01-01 00:00:00"),
    ],
}
NASTY[Kind.REPEATED_ID] = NASTY[Kind.ID]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), dialect=st.sampled_from(["unquoted", "quoted"]))
def test_typing_in_bulk_agrees_with_typing_value_by_value(tmp_path: Path, data: st.DataObject, dialect: str) -> None:
    column = data.draw(st.sampled_from(EXPORT_COLUMNS))
    valid = values_of(column).map(lambda cell: cell[0])
    value = data.draw(st.sampled_from(NASTY[column.kind]) | valid | names)
    (block,) = read_records(put(tmp_path, written(dialect, [record(1), record(2, **{column.source: value})])))
    in_bulk = outcome(lambda: normalize(block))
    by_value = outcome(lambda: normalize_text(split_text(block)))
    assert str(in_bulk) == str(by_value)
    if isinstance(in_bulk, pl.DataFrame) and isinstance(by_value, pl.DataFrame):
        assert in_bulk.equals(by_value)
        assert in_bulk.schema == by_value.schema


def outcome(attempt: Callable[[], pl.DataFrame]) -> pl.DataFrame | ExportDataError:
    try:
        return attempt()
    except ExportDataError as error:
        return error


def test_what_circleci_writes_is_typed_in_bulk(tmp_path: Path) -> None:
    late = {"JOB_RUN_STOPPED_AT": None, "JOB_NAME": None, "PARALLELISM": None}
    for content in (unquoted([record(1), record(2, **late)]), quoted([record(1), record(2, **late)])):
        (block,) = read_records(put(tmp_path, content))
        assert split_typed(block) is not None


def test_no_day_is_shifted_by_a_time_zone(tmp_path: Path) -> None:
    start = datetime(2026, 1, 1)  # noqa: DTZ001
    hours = [start + timedelta(hours=hour) for hour in range(24 * 366)]
    rows = [record(number, JOB_RUN_STARTED_AT=f"{hour:%Y-%m-%d %H:%M:%S}.000") for number, hour in enumerate(hours)]
    assert read(put(tmp_path, unquoted(rows, COLUMNS))).get_column("job_run_started_at").to_list() == hours
