"""Fault 71: a job whose charge date moved between two exports counts once, whichever is ingested first."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from circleci_cost.lake.days import read_restatements
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.spill import job_keys
from circleci_cost.model.usage.job_runs import PRECEDENCE
from circleci_cost_tests.model.usage.builders import Record, record

from .builders import CENTER, contents, day, days, ingest, jobs, land_rows, of

EARLY, LATE = days(1, 3), days(4, 6)


def on(number: int, *numbers: int, credits: int = 42) -> list[Record]:
    return [record(job, JOB_RUN_DATE=str(day(number)), TOTAL_CREDITS=str(credits)) for job in numbers]


def land_two_windows(lake: Lake, *, later_first: bool) -> None:
    """Job 2 stands on 3 October in one export and on 4 October in the other; `later_first` tells which is newer."""
    hours = (1, 0) if later_first else (0, 1)
    land_rows(lake, on(3, 1, 2, credits=10), day(1), day(3), export_id="early-days", hours=hours[0])
    land_rows(lake, on(4, 2, 3, credits=20), day(4), day(6), export_id="late-days", hours=hours[1])


@pytest.mark.parametrize("order", [(EARLY, LATE), (LATE, EARLY), (days(1, 6),), (LATE, EARLY, LATE, EARLY)])
@pytest.mark.parametrize("later_first", [True, False])
def test_f071_a_job_in_two_windows_counts_once_and_the_last_export_wins(
    lake: Lake, order: Sequence[Sequence[date]], later_first: bool
) -> None:
    land_two_windows(lake, later_first=later_first)
    for window in order:
        ingest(lake, window)
    expected = (
        {day(3): of(j1=10, j2=10), day(4): of(j3=20)} if later_first else {day(3): of(j1=10), day(4): of(j2=20, j3=20)}
    )
    assert jobs(lake, day(3), day(4)) == expected


def test_f071_of_one_export_the_later_day_wins(lake: Lake) -> None:
    for order in ((EARLY, LATE), (LATE, EARLY), (days(1, 6),)):
        land_rows(lake, [*on(3, 1, 2), *on(4, 2, 3)], day(1), day(6))
        for window in order:
            ingest(lake, window)
        assert jobs(lake, day(3), day(4)) == {day(3): of(j1=42), day(4): of(j2=42, j3=42)}
        for of_day in lake.job_runs_days(CENTER):
            lake.job_runs_file(CENTER, of_day).unlink()


def test_the_published_day_that_loses_a_job_is_restated(lake: Lake) -> None:
    land_two_windows(lake, later_first=False)
    ingest(lake, EARLY)
    report = ingest(lake, LATE)
    expected = [(CENTER, day(3), "late-days", 0, 1, 0, Decimal(0), Decimal(10), Decimal(0))]
    assert report.restatements().drop("recorded_at").rows() == expected
    assert read_restatements(lake, [CENTER]).drop("recorded_at").rows() == expected


def test_ingesting_both_windows_again_changes_nothing(lake: Lake) -> None:
    land_two_windows(lake, later_first=False)
    ingest(lake, EARLY)
    ingest(lake, LATE)
    before = contents(lake)
    assert ingest(lake, EARLY).restatements().is_empty()
    assert ingest(lake, LATE).restatements().is_empty()
    assert contents(lake) == before


def test_two_jobs_that_moved_to_different_days_are_one_record(lake: Lake) -> None:
    land_rows(lake, on(3, 1, 2, 3), day(1), day(3), export_id="early-days")
    land_rows(lake, [*on(4, 2), *on(5, 3)], day(4), day(6), export_id="late-days", hours=1)
    ingest(lake, EARLY)
    ingest(lake, LATE)
    assert jobs(lake, *days(3, 5)) == {day(3): of(j1=42), day(4): of(j2=42), day(5): of(j3=42)}
    assert read_restatements(lake, [CENTER]).select("date", "jobs_removed").rows() == [(day(3), 2)]


def test_the_export_of_the_row_decides_and_not_that_of_its_day(lake: Lake) -> None:
    land_two_windows(lake, later_first=False)
    land_rows(lake, on(3, 9), day(3), day(3), export_id="import-of-one-job", hours=2, complete=False)
    for order in ((EARLY, LATE), (LATE, EARLY)):
        for window in order:
            ingest(lake, window)
        assert jobs(lake, day(3), day(4)) == {day(3): of(j1=10, j9=42), day(4): of(j2=20, j3=20)}


def test_a_crash_before_the_loser_is_removed_is_repaired_by_the_next_run(lake: Lake) -> None:
    land_two_windows(lake, later_first=False)
    ingest(lake, EARLY)
    loser = lake.job_runs_file(CENTER, day(3))
    before = loser.read_bytes()
    ingest(lake, LATE)
    after = contents(lake)
    loser.write_bytes(before)
    ingest(lake, LATE)
    assert contents(lake) == after


def test_days_farther_than_a_week_are_not_looked_at(lake: Lake) -> None:
    land_rows(lake, on(1, 1), day(1), day(1), export_id="early")
    land_rows(lake, on(9, 1), day(9), day(9), export_id="late", hours=1)
    ingest(lake, [day(1)])
    ingest(lake, [day(9)])
    assert jobs(lake, day(1), day(9)) == {day(1): of(j1=42), day(9): of(j1=42)}


def test_a_jobs_key_is_two_independent_hashes() -> None:
    rows = pl.DataFrame({"job_id": [f"job {n}" for n in range(1000)], "job_run_date": day(1), PRECEDENCE: 0})
    keys = job_keys(rows)
    assert keys.filter(pl.col("key_1") == pl.col("key_2")).is_empty()
    assert (keys["key_1"] ^ keys["key_2"]).n_unique() == 1000
