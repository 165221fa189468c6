"""Faults 75 and 76: ends of months and years, leap days, and every way to write a time."""

from datetime import date, datetime
from pathlib import Path

import pytest

from .builders import DIALECTS, PART, read_content, record, refusal, written

BOTH = pytest.mark.parametrize("dialect", DIALECTS)


@pytest.mark.parametrize(
    "day", ["2024-02-29", "2000-02-29", "2025-12-31", "2026-01-01", "2026-04-30", "0001-01-01", "9999-12-31"]
)
@BOTH
def test_f075_every_day_of_the_calendar_is_read(tmp_path: Path, dialect: str, day: str) -> None:
    rows = [record(1, JOB_RUN_DATE=day, JOB_RUN_QUEUED_AT=f"{day} 23:59:59.999")]
    row = read_content(tmp_path, written(dialect, rows)).row(0, named=True)
    expected = date.fromisoformat(day)
    assert row["job_run_date"] == expected
    assert row["job_run_queued_at"] == datetime(expected.year, expected.month, expected.day, 23, 59, 59, 999000)  # noqa: DTZ001


@pytest.mark.parametrize(
    "day",
    ["2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-04-31", "0000-01-01", "26-01-01", "2026-1-1",
     "01/02/2026", "20260102", "2026-01-02T00:00:00", "2026-01-02 00:00:00", "+026-01-01",
     "\uff12026-01-01", "yesterday"],
)  # fmt: skip
@BOTH
def test_f075_what_is_no_day_is_refused(tmp_path: Path, dialect: str, day: str) -> None:
    expected = f"{PART}, line 3, column JOB_RUN_DATE: {day!r} is not a date YYYY-MM-DD"
    assert refusal(tmp_path, written(dialect, [record(1), record(2, JOB_RUN_DATE=day)])) == expected


NOON = datetime(2026, 10, 1, 12, 0)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-01 12:00:00", NOON),
        ("2026-10-01 12:00:00.5", NOON.replace(microsecond=500000)),
        ("2026-10-01 12:00:00.123", NOON.replace(microsecond=123000)),
        ("2026-10-01 12:00:00.123456", NOON.replace(microsecond=123456)),
        ("2026-10-01 12:00:00.123456000", NOON.replace(microsecond=123456)),
        ("2026-10-01T12:00:00", NOON),
        ("2026-10-01T12:00:00Z", NOON),
        ("2026-10-01 12:00:00Z", NOON),
        ("2026-10-01 12:00:00.000+00:00", NOON),
        ("2026-10-01T14:00:00+02:00", NOON),
        ("2026-10-01 06:30:00 -0530", NOON),
        ("2026-10-01 02:00:00-10", NOON),
        ("2026-10-01 12:00", NOON),
        ("2026-10-01 12", NOON),
        ("2026-10-01", NOON.replace(hour=0)),
    ],
)
@BOTH
def test_f076_times_are_read_as_utc_whatever_their_offset(
    tmp_path: Path, dialect: str, text: str, expected: datetime
) -> None:
    rows = [record(1, JOB_RUN_STOPPED_AT=text), record(2, JOB_RUN_STOPPED_AT=None)]
    assert read_content(tmp_path, written(dialect, rows)).get_column("job_run_stopped_at").to_list() == [expected, None]


@pytest.mark.parametrize(
    "text",
    ["2026-10-01 12:00:00.1234567", "2026-10-01 24:00:00", "2026-10-01 12:60:00", "2026-10-01 12:00:60",
     "2026-02-30 12:00:00",
     "0000-10-01 12:00:00", "2026-10-1 12:00:00", " 2026-10-01 12:00:00", "2026-10-01 12:00:00 CET",
     "2026-10-01 12:00:00+25:00",
     "1790000000", "12:00:00", "2026-10-01 1:00:00 PM", "0001-01-01 00:00:00+01:00", "2026-10-01 12:00:00."],
)  # fmt: skip
@BOTH
def test_f076_what_is_no_exact_time_is_refused(tmp_path: Path, dialect: str, text: str) -> None:
    expected = f"{PART}, line 3, column WORKFLOW_STOPPED_AT: {text!r} is not a time YYYY-MM-DD HH:MM:SS[.ffffff]"
    assert refusal(tmp_path, written(dialect, [record(1), record(2, WORKFLOW_STOPPED_AT=text)])) == expected
