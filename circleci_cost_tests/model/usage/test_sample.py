"""The real export part among the tests' data: its known contents, read from its bytes."""

import csv
import gzip
import io
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from circleci_cost.model.usage.job_runs import summarize_days
from circleci_cost.model.usage.records import read_records
from circleci_cost.model.usage.schema import EXPORT_COLUMNS
from circleci_cost.model.usage.split import split_typed

from .builders import read

SAMPLE = Path(__file__).parents[2] / "data" / "usage_export_part_unquoted.csv.gz"


def raw_rows() -> list[dict[str, str]]:
    """The sample as Python's csv reads it; its only escapes are those of nulls."""
    return list(csv.DictReader(io.StringIO(gzip.decompress(SAMPLE.read_bytes()).decode()), quoting=csv.QUOTE_NONE))


def test_the_sample_holds_what_is_known_of_it() -> None:
    rows = read(SAMPLE)
    assert rows.height == rows.get_column("job_id").n_unique() == 841
    assert rows.get_column("total_credits").sum() == 327_555
    assert rows.get_column("organization_id").n_unique() == 3
    assert set(rows.get_column("job_run_date")) == {date(2024, 11, day) for day in range(10, 15)}
    assert rows.get_column("other_credits").sum() == 0


def test_the_sample_equals_what_pythons_csv_reads() -> None:
    expected = [[None if value == r"\\N" else value for value in row.values()] for row in raw_rows()]
    rows = read(SAMPLE)
    for position, column in enumerate(EXPORT_COLUMNS):
        values = [_as_written(value) for value in rows.get_column(column.name)]
        assert values == [_canonical(row[position]) for row in expected], column.name


def _as_written(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float | Decimal):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if isinstance(value, datetime):
        return value.isoformat(" ", "milliseconds").removesuffix(".000")
    return str(value)


def _canonical(text: str | None) -> str | None:
    return text.removesuffix(".000") if text else None


@pytest.mark.parametrize("block_bytes", [3000, 10_000, 1 << 24])
def test_the_sample_is_typed_in_bulk_whatever_the_size_of_its_blocks(block_bytes: int) -> None:
    blocks = list(read_records(SAMPLE, block_bytes))
    assert all(split_typed(block) is not None for block in blocks)
    assert blocks[0].header.columns == tuple(column.source for column in EXPORT_COLUMNS)
    assert read(SAMPLE, block_bytes).equals(read(SAMPLE))


def test_the_days_of_the_sample_sum_as_decimals_do() -> None:
    rows, jobs, credits = read(SAMPLE), Counter[str](), Counter[str]()
    runs = Counter(row["JOB_RUN_DATE"] for row in raw_rows() if row["JOB_RUN_STOPPED_AT"] != r"\\N")
    for row in raw_rows():
        jobs[row["JOB_RUN_DATE"]] += 1
        credits[row["JOB_RUN_DATE"]] += int(row["TOTAL_CREDITS"])
    for (day,), part in rows.partition_by("job_run_date", as_dict=True).items():
        (summary,) = summarize_days(part)
        assert (summary.jobs, summary.runs) == (jobs[str(day)], runs[str(day)])
        assert (summary.credits, summary.other_credits) == (Decimal(credits[str(day)]), Decimal(0))
