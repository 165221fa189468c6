"""Faults 61 to 68: numbers are read exactly as they are written, or refused; never rounded, never repaired."""

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.model.usage.job_runs import summarize_days

from .builders import DIALECTS, PART, read_content, record, refusal, unquoted, written

BOTH = pytest.mark.parametrize("dialect", DIALECTS)
NOT_CREDITS = "is not a number of credits with at most 6 decimals"


def total(folder: Path, dialect: str, value: str) -> Decimal:
    row = read_content(folder, written(dialect, [record(1, TOTAL_CREDITS=value)])).row(0, named=True)
    assert row["other_credits"] == row["total_credits"] - 42
    return row["total_credits"]  # type: ignore[no-any-return]


def why(folder: Path, dialect: str, **changes: str) -> str:
    return refusal(folder, written(dialect, [record(1), record(2, **changes)]))


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        ("1.5E-5", "0.000015"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("25e-1", "2.5"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+5", "5"),
        ("007", "7"),
        ("-0", "0"),
        ("12.500000", "12.5"),
        ("0.1000000000000000000000000000", "0.1"),
        ("999999999999.999999", "999999999999.999999"),
        ("0.000001", "0.000001"),
    ],
)
@BOTH
def test_f061_every_exact_notation_of_a_number_is_read(tmp_path: Path, dialect: str, value: str, exact: str) -> None:
    assert total(tmp_path, dialect, value) == Decimal(exact)


@pytest.mark.parametrize(
    "value", ["1e", "e3", "1e1.5", "1e99999999999", "1e999", ".", "-", "--1", "1-", "1.2.3", "0x10", "0X1F"]
)
@BOTH
def test_f061_what_is_no_number_is_refused(tmp_path: Path, dialect: str, value: str) -> None:
    assert (
        why(tmp_path, dialect, TOTAL_CREDITS=value) == f"{PART}, line 3, column TOTAL_CREDITS: {value!r} {NOT_CREDITS}"
    )


@BOTH
def test_f062_negative_credits_are_kept(tmp_path: Path, dialect: str) -> None:
    assert total(tmp_path, dialect, "-17") == -17
    assert total(tmp_path, dialect, "-0.25") == Decimal("-0.25")


@pytest.mark.parametrize("value", ["NaN", "nan", "inf", "-inf", "Infinity", "sNaN"])
@pytest.mark.parametrize("column", ["TOTAL_CREDITS", "COMPUTE_CREDITS", "MAX_CPU_UTILIZATION_PCT", "JOB_RUN_SECONDS"])
@BOTH
def test_f063_nan_and_infinity_are_refused(tmp_path: Path, dialect: str, column: str, value: str) -> None:
    message = why(tmp_path, dialect, **{column: value})
    assert message.startswith(f"{PART}, line 3, column {column}: {value!r} is not a")


def test_f063_a_number_that_overflows_to_infinity_is_refused(tmp_path: Path) -> None:
    expected = f"{PART}, line 3, column MAX_RAM_UTILIZATION_PCT: '1e400' is not a number"
    assert why(tmp_path, "unquoted", MAX_RAM_UTILIZATION_PCT="1e400") == expected


@pytest.mark.parametrize(
    "value",
    ["0.1234567", "1e-7", "0.0000005", "0.1000000000000000000000000000001", "5.00000000000000000001", "1e-999"],
)
@BOTH
def test_f064_more_decimals_than_the_scale_are_refused_and_not_rounded(
    tmp_path: Path, dialect: str, value: str
) -> None:
    expected = f"{PART}, line 3, column COMPUTE_CREDITS: {value!r} {NOT_CREDITS}"
    assert why(tmp_path, dialect, COMPUTE_CREDITS=value) == expected


@pytest.mark.parametrize(
    "value", ["9223372036854775808", "-9223372036854775809", "1000000000000", "-1000000000000", "1e12"]
)
@BOTH
def test_f065_credits_beyond_what_can_be_held_are_refused(tmp_path: Path, dialect: str, value: str) -> None:
    assert (
        why(tmp_path, dialect, TOTAL_CREDITS=value) == f"{PART}, line 3, column TOTAL_CREDITS: {value!r} {NOT_CREDITS}"
    )


@pytest.mark.parametrize("value", ["9223372036854775808", "-9223372036854775809", "1" * 40])
@BOTH
def test_f065_integers_beyond_64_bits_are_refused(tmp_path: Path, dialect: str, value: str) -> None:
    expected = f"{PART}, line 3, column PIPELINE_NUMBER: {value!r} is not a whole number"
    assert why(tmp_path, dialect, PIPELINE_NUMBER=value) == expected


def test_f065_the_largest_integer_is_read(tmp_path: Path) -> None:
    row = read_content(tmp_path, unquoted([record(1, PIPELINE_NUMBER=str(2**63 - 1))])).row(0, named=True)
    assert row["pipeline_number"] == 2**63 - 1


@pytest.mark.parametrize("column", ["COMPUTE_CREDITS", "STORAGE_CREDITS"])
@BOTH
def test_f065_a_residual_that_cannot_be_held_is_refused(tmp_path: Path, dialect: str, column: str) -> None:
    expected = f"{PART}, line 3, column TOTAL_CREDITS: the other credits leave a rest that is too large to be held"
    message = why(tmp_path, dialect, TOTAL_CREDITS="-900000000000", **{column: "900000000000"})
    assert message == expected


@pytest.mark.parametrize(
    "value", ["1_000", "1 000", "1,000", "1.000,5", "\uff11\uff12", "\u0663", "1\u00a0", "$5", "5%", "\u20075"]
)
@BOTH
def test_f066_separators_and_foreign_digits_are_refused(tmp_path: Path, dialect: str, value: str) -> None:
    assert (
        why(tmp_path, dialect, TOTAL_CREDITS=value) == f"{PART}, line 3, column TOTAL_CREDITS: {value!r} {NOT_CREDITS}"
    )
    expected = f"{PART}, line 3, column JOB_RUN_SECONDS: {value!r} is not a whole number"
    assert why(tmp_path, dialect, JOB_RUN_SECONDS=value) == expected


@pytest.mark.parametrize("value", [" 5", "5 ", "\t5", "  5.0"])
@BOTH
def test_f066_blanks_around_a_number_change_nothing(tmp_path: Path, dialect: str, value: str) -> None:
    assert total(tmp_path, dialect, value) == 5


@BOTH
def test_f067_a_total_that_is_not_the_sum_of_its_parts_leaves_a_residual(tmp_path: Path, dialect: str) -> None:
    rows = [record(1), record(2, TOTAL_CREDITS="50"), record(3, TOTAL_CREDITS="40.5"), record(4, COMPUTE_CREDITS=None)]
    job_runs = read_content(tmp_path, written(dialect, rows))
    assert job_runs.get_column("other_credits").to_list() == [0, 8, Decimal("-1.5"), 40]


def test_f068_ten_million_tenths_are_exactly_a_million(tmp_path: Path) -> None:
    tenth = read_content(tmp_path, unquoted([record(1, TOTAL_CREDITS="0.1")]))
    rows = tenth.select("job_run_date", "job_run_stopped_at", "total_credits", "other_credits")
    many = pl.concat([rows.select(pl.all().repeat_by(1_000_000).explode(empty_as_null=True))] * 10, rechunk=False)
    (summary,) = summarize_days(many)
    assert (summary.jobs, summary.credits, summary.other_credits) == (
        10_000_000,
        Decimal(1_000_000),
        Decimal(-419_000_000),
    )


def test_f068_a_sum_larger_than_any_single_value_is_exact(tmp_path: Path) -> None:
    most = read_content(tmp_path, unquoted([record(1, TOTAL_CREDITS="999999999999.999999")]))
    (summary,) = summarize_days(pl.concat([most] * 1000))
    assert summary.credits == Decimal("999999999999999.999000")
