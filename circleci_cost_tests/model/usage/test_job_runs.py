"""Rules over many rows: which organizations they belong to, one row per job, the contents of a day's file."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.errors import ExportDataError
from circleci_cost.model.usage.job_runs import (
    PRECEDENCE,
    DaySummary,
    Provenance,
    finish_days,
    latest_of_each_job,
    refuse_unknown_organizations,
    summarize_days,
)
from circleci_cost.model.usage.normalize import normalize
from circleci_cost.model.usage.records import read_records
from circleci_cost.model.usage.schema import FILE_SCHEMA

from .builders import ORGANIZATION, Record, job_id, put, record, unquoted

OTHER = "c49546be-14b4-453f-a47a-22472b24255e"


def rows_of(folder: Path, *rows: Record, precedence: int = 0) -> pl.DataFrame:
    (block,) = read_records(put(folder, unquoted(rows)))
    return normalize(block).with_columns(pl.lit(precedence, dtype=pl.Int32).alias(PRECEDENCE))


def test_f070_rows_of_another_organization_are_refused(tmp_path: Path) -> None:
    strange = {"ORGANIZATION_ID": OTHER, "ORGANIZATION_NAME": "globex"}
    rows = rows_of(tmp_path, record(1), record(2, **strange), record(3, **strange))
    with pytest.raises(ExportDataError) as refused:
        refuse_unknown_organizations(rows, "acme", [ORGANIZATION], "part-0000.csv.gz")
    assert str(refused.value) == (
        "part-0000.csv.gz holds jobs of organizations that cost center 'acme' does not name: "
        f"{OTHER} (globex, 2 jobs); nothing of this export was used. Add them to shared_organization_ids of that "
        'cost center if they are on the same plan, set unknown_organizations = "report" there to count and report '
        "them, or import the file into the cost center it belongs to."
    )


def test_f070_an_unknown_organization_may_be_reported_but_not_one_of_another_cost_center(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, record(1), record(2, ORGANIZATION_ID=OTHER, ORGANIZATION_NAME="globex"))
    refuse_unknown_organizations(rows, "acme", [ORGANIZATION], "part-0000.csv.gz", refused=[])
    with pytest.raises(ExportDataError, match="another cost center names them, and their cost would count twice"):
        refuse_unknown_organizations(rows, "acme", [ORGANIZATION], "part-0000.csv.gz", refused=[OTHER])


def test_f070_rows_of_a_shared_organization_are_accepted_where_it_is_named(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, record(1), record(2, ORGANIZATION_ID=OTHER))
    for organization in (ORGANIZATION, OTHER):
        with pytest.raises(ExportDataError):
            refuse_unknown_organizations(rows, "acme", [organization], "part-0000.csv.gz")
    refuse_unknown_organizations(rows, "acme", [ORGANIZATION, OTHER], "part-0000.csv.gz")


def test_f072_the_row_of_the_latest_export_wins_in_any_order(tmp_path: Path) -> None:
    old = rows_of(tmp_path, record(1, TOTAL_CREDITS="100"), record(2), precedence=3)
    new = rows_of(tmp_path, record(1, TOTAL_CREDITS="1"), precedence=4)
    for frames in ([old, new], [new, old]):
        latest = latest_of_each_job(pl.concat(frames)).sort("job_id")
        assert latest.get_column("total_credits").to_list() == [1, 42]


@pytest.mark.parametrize(
    ("loser", "winner"),
    [
        ({"JOB_RUN_STOPPED_AT": None}, {}),
        ({}, {"JOB_RUN_STOPPED_AT": "2026-10-01 10:04:03.000"}),
        ({}, {"TOTAL_CREDITS": "43"}),
        ({"JOB_RUN_STOPPED_AT": "2026-10-01 10:04:01.000", "TOTAL_CREDITS": "99"}, {}),
        ({"JOB_NAME": "z"}, {"JOB_NAME": "a"}),
    ],
)
def test_f071_within_one_export_the_last_stopped_then_the_dearest_row_wins(
    tmp_path: Path, loser: Record, winner: Record
) -> None:
    losing, winning = rows_of(tmp_path, record(1, **loser)), rows_of(tmp_path, record(1, **winner))
    for frames in ([losing, winning], [winning, losing]):
        assert latest_of_each_job(pl.concat(frames)).equals(winning)


def test_a_finished_day_has_the_columns_of_its_file_and_is_sorted(tmp_path: Path) -> None:
    names = [(2, "shop", "b"), (3, "shop", "a"), (1, "shop", "a"), (4, "api", "z")]
    rows = rows_of(tmp_path, *(record(n, PROJECT_NAME=p, JOB_NAME=j) for n, p, j in names), precedence=7)
    at = datetime(2026, 10, 2, 11, tzinfo=UTC)
    day = finish_days(rows, Provenance({7: "export-7"}, at))
    assert dict(day.schema) == FILE_SCHEMA
    assert day.get_column("job_id").to_list() == [job_id(4), job_id(1), job_id(3), job_id(2)]
    assert day.select("export_id", "ingested_at").unique().rows() == [("export-7", at)]


def test_a_day_counts_jobs_runs_and_exact_credits(tmp_path: Path) -> None:
    rows = rows_of(tmp_path, record(1, TOTAL_CREDITS="42.000001"), record(2, JOB_RUN_STOPPED_AT=None))
    assert summarize_days(rows) == [DaySummary(date(2026, 10, 1), 2, 1, Decimal("84.000001"), Decimal("0.000001"))]
    assert summarize_days(rows.clear()) == []
