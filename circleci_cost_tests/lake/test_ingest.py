"""From landed exports to the files of days."""

import random
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circleci_cost.errors import ExportDataError, StorageError
from circleci_cost.lake.days import read_provenance
from circleci_cost.lake.ingest import IngestReport, ingest_days
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.unknown_organizations import unknown_organizations
from circleci_cost.model.usage.job_runs import DaySummary
from circleci_cost.model.usage.schema import FILE_SCHEMA
from circleci_cost_tests.model.usage.builders import (
    COLUMNS,
    DIALECTS,
    ORGANIZATION,
    OUTCOME,
    Record,
    record,
    records,
    unquoted,
    written,
)

from .builders import CENTER, EXPORTED, FIRST, contents, day, days, ingest, jobs, land, land_rows, of, stored


def summary(of_day: date, count: int) -> DaySummary:
    return DaySummary(of_day, count, count, Decimal(42 * count), Decimal(0))


def on(number: int, jobs_of_the_day: list[int], **changes: str | None) -> list[Record]:
    return [record(job, JOB_RUN_DATE=str(day(number)), **changes) for job in jobs_of_the_day]


def test_an_export_becomes_one_sorted_file_a_day(lake: Lake) -> None:
    land_rows(lake, [*on(1, [1, 2]), *on(2, [3])], day(1), day(3))
    report = ingest(lake, days(1, 4))
    assert report == IngestReport(
        days=[summary(day(1), 2), summary(day(2), 1), summary(day(3), 0)],
        days_without_export=[day(4)],
        rows_read=3,
        rows_wanted=3,
    )
    assert jobs(lake, *days(1, 3)) == {day(1): of(j1=42, j2=42), day(2): of(j3=42), day(3): {}}
    assert lake.job_runs_days(CENTER) == days(1, 3)
    assert read_provenance(lake.job_runs_file(CENTER, day(3))).exports == {"export-1": EXPORTED}
    assert not lake.spill.exists() or not any(lake.spill.iterdir())


def test_a_days_file_is_plain_columns_to_duckdb(lake: Lake) -> None:
    land_rows(lake, records(2, VCS_BRANCH="fix, \\ it"))
    ingest(lake)
    path = lake.job_runs_file(CENTER, FIRST)
    relation = duckdb.connect().sql(f"select * from read_parquet('{path}', hive_partitioning = false)")
    assert relation is not None
    assert relation.columns == list(FILE_SCHEMA)
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    assert {types[name] for name in ("project_name", "job_id", "vcs_branch", "export_id")} == {"VARCHAR"}
    assert types["total_credits"] == "DECIMAL(19,6)"
    assert types["job_run_stopped_at"] == "TIMESTAMP"
    assert relation.select("vcs_branch, total_credits").fetchall() == [("fix, \\ it", Decimal(42))] * 2


def test_f026_the_same_part_twice_counts_its_jobs_once(lake: Lake) -> None:
    land(lake, [unquoted(records(3))] * 2)
    report = ingest(lake)
    assert (report.rows_read, report.duplicate_rows, report.days) == (6, 3, [summary(FIRST, 3)])


def test_f058_parts_with_different_headers_and_dialects_are_one_export(lake: Lake) -> None:
    extra = {**record(3), "AI_CREDITS": "7"}
    fewer = [name for name in COLUMNS if name != "EXECUTOR"]
    parts = [unquoted([record(1)]), written("quoted", [record(2)], fewer), unquoted([extra], ("AI_CREDITS", *COLUMNS))]
    land(lake, parts)
    report = ingest(lake)
    assert (report.unknown_columns, report.missing_columns) == ({"AI_CREDITS"}, {"EXECUTOR"})
    assert jobs(lake, FIRST) == {FIRST: of(j1=42, j2=42, j3=42)}


def test_f069_rows_outside_the_window_are_counted_and_left_out(lake: Lake) -> None:
    land_rows(lake, [*on(1, [1]), *on(2, [2]), *on(3, [3, 4])], day(1), day(2))
    report = ingest(lake, days(1, 3))
    assert (report.rows_read, report.rows_outside_window, report.days_without_export) == (4, 2, [day(3)])
    assert jobs(lake, *days(1, 2)) == {day(1): of(j1=42), day(2): of(j2=42)}


def test_f069_an_export_of_other_days_only_is_refused(lake: Lake) -> None:
    land_rows(lake, on(2, [1, 2]))
    with pytest.raises(ExportDataError) as refused:
        ingest(lake)
    assert str(refused.value) == (
        "No job of export export-1 (2 jobs) has a JOB_RUN_DATE in its window 2026-10-01 to 2026-10-01 (cost "
        "center 'acme'): CircleCI answered with other days. Nothing of it was used. Its files are kept in "
        f"{lake.export(CENTER, FIRST, FIRST)}; the next run asks CircleCI for these days again."
    )


def test_an_upper_case_organization_id_in_the_configuration_is_the_same(lake: Lake) -> None:
    land_rows(lake, records(1, ORGANIZATION_ID="B9291E0D-A11E-41FB-8517-C545388B5953"))
    assert ingest(lake).days == [summary(FIRST, 1)]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"PARALLELISM": "0.5"}, "line 4, column PARALLELISM: '0.5' is not a whole number"),
        ({"JOB_ID": None}, "line 4, column JOB_ID: there is no value, and every job has one"),
        ({"JOB_RUN_DATE": "soon"}, "line 4, column JOB_RUN_DATE: 'soon' is not a date YYYY-MM-DD"),
        ({"VCS_BRANCH": "a\0b"}, "line 4: a NUL byte, which no export holds"),
    ],
)  # fmt: skip
def test_nothing_of_the_lake_changes_when_one_value_of_one_part_is_refused(
    lake: Lake, dialect: str, changes: dict[str, str | None], where: str
) -> None:
    land_rows(lake, records(3))
    ingest(lake)
    bad = [record(4, VCS_BRANCH="two\nlines"), record(5, **changes)]
    parts = [unquoted(records(2)), written(dialect, bad)]
    directory = land(lake, parts, day(1), day(2), export_id="export-2", hours=1)
    before = contents(lake)
    with pytest.raises(ExportDataError) as refused:
        ingest(lake, days(1, 2), rows_in_memory=1)
    assert str(refused.value).startswith(f"part-export-2-0001.csv.gz, {where}. {OUTCOME} Its files are kept in ")
    # But for its landing, which is taken back: see `set_aside`.
    before[directory / "refused.json"] = before.pop(directory / "manifest.json")
    assert contents(lake) == before


def test_f070_an_export_with_a_stranger_changes_nothing(lake: Lake) -> None:
    land_rows(lake, records(1))
    ingest(lake)
    land_rows(
        lake, [record(1), record(2, ORGANIZATION_ID="c49546be-14b4-453f-a47a-22472b24255e")], hours=1, export_id="e2"
    )
    before = contents(lake)
    with pytest.raises(ExportDataError, match=r"does not name: c49546be-14b4-453f-a47a-22472b24255e \(acme, 1 job\)"):
        ingest(lake)
    assert contents(lake) == before


def test_f070_a_stranger_that_is_reported_is_counted_once_and_named(lake: Lake) -> None:
    stranger = "c49546be-14b4-453f-a47a-22472b24255e"
    land_rows(lake, [record(1), record(2, ORGANIZATION_ID=stranger, ORGANIZATION_NAME="fork")])
    land_rows(lake, [record(2, ORGANIZATION_ID=stranger)], export_id="import-1", hours=1, complete=False)
    for _ in range(2):
        ingest_days(lake, CENTER, [ORGANIZATION], [FIRST], ingested_at=EXPORTED, refused=[])
    assert jobs(lake, FIRST) == {FIRST: of(j1=42, j2=42)}
    (stranger_found,) = unknown_organizations(lake, CENTER, [ORGANIZATION], [FIRST])
    assert (stranger_found.organization_id, stranger_found.jobs, stranger_found.credits) == (stranger, 1, Decimal(42))
    assert unknown_organizations(lake, CENTER, [ORGANIZATION, stranger], [FIRST]) == []
    with pytest.raises(ExportDataError, match="their cost would count twice"):
        ingest_days(lake, CENTER, [ORGANIZATION], [FIRST], ingested_at=EXPORTED, refused=[stranger])


def test_a_missing_part_is_reported_and_changes_nothing(lake: Lake) -> None:
    directory = land(lake, [unquoted(records(2)), unquoted([record(3)])])
    ingest(lake)
    (directory / "part-export-1-0001.csv.gz").unlink()
    before = contents(lake)
    with pytest.raises(
        StorageError, match=r"part-export-1-0001.csv.gz, a part of export export-1, is missing; nothing was"
    ):
        ingest(lake)
    assert contents(lake) == before


def test_a_day_for_which_an_export_has_nothing_stays_as_it_was(lake: Lake) -> None:
    land_rows(lake, records(2))
    ingest(lake)
    land_rows(lake, [], export_id="export-2", hours=1)
    report = ingest(lake)
    assert jobs(lake, FIRST) == {FIRST: of(j1=42, j2=42)}
    assert (report.days_kept, report.days, report.restatements().height) == ([FIRST], [], 0)


def test_the_last_complete_export_replaces_and_imports_merge(lake: Lake) -> None:
    land_rows(lake, records(3), export_id="export-1")
    land_rows(lake, [record(2, TOTAL_CREDITS="50"), record(4)], export_id="import-1", hours=1, complete=False)
    ingest(lake)
    assert jobs(lake, FIRST) == {FIRST: of(j1=42, j2=50, j3=42, j4=42)}
    assert dict(stored(lake).select("job_id", "export_id").rows()) == {
        **dict.fromkeys(of(j1=0, j3=0), "export-1"),
        **dict.fromkeys(of(j2=0, j4=0), "import-1"),
    }
    land_rows(lake, records(1), day(1), day(2), export_id="export-2", hours=2)
    ingest(lake)
    assert jobs(lake, FIRST) == {FIRST: of(j1=42)}


def test_an_import_older_than_the_complete_export_adds_nothing(lake: Lake) -> None:
    land_rows(lake, [record(9)], export_id="import-1", hours=-1, complete=False)
    land_rows(lake, records(1))
    ingest(lake)
    assert jobs(lake, FIRST) == {FIRST: of(j1=42)}


def test_imports_alone_are_history(lake: Lake) -> None:
    land_rows(lake, records(2), export_id="import-1", complete=False)
    land_rows(lake, [record(2, TOTAL_CREDITS="1"), record(3)], export_id="import-2", hours=1, complete=False)
    report = ingest(lake)
    assert jobs(lake, FIRST) == {FIRST: of(j1=42, j2=1, j3=42)}
    assert report.duplicate_rows == 1


ROWS = [
    record(n, JOB_RUN_DATE=str(day(1 + n % 3)), TOTAL_CREDITS=f"{n}.5", VCS_BRANCH=f"b{n % 7}, x") for n in range(60)
]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), parts=st.integers(1, 8), rows_in_memory=st.integers(1, 80))
def test_f027_order_and_number_of_parts_and_the_spill_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, seed: int, parts: int, rows_in_memory: int
) -> None:
    expected = _ingested(tmp_path_factory.mktemp("one"), [ROWS], 1000)
    chance = random.Random(seed)
    rows = ROWS + chance.choices(ROWS, k=5)
    chance.shuffle(rows)
    actual = _ingested(tmp_path_factory.mktemp("many"), [rows[index::parts] for index in range(parts)], rows_in_memory)
    assert actual == expected


def _ingested(folder: Path, parts: list[list[Record]], rows_in_memory: int) -> list[object]:
    lake = open_lake(folder / "data")
    land(lake, [unquoted(rows) for rows in parts], day(1), day(3))
    report = ingest(lake, days(1, 3), rows_in_memory=rows_in_memory)
    assert report.restatements().is_empty()
    return [report.days, [stored(lake, of_day).rows() for of_day in days(1, 3)]]


def test_two_ingests_of_the_same_exports_write_the_same_bytes(lake: Lake) -> None:
    land(lake, [unquoted(ROWS[:30]), unquoted(ROWS[30:])], day(1), day(3))
    ingest(lake, days(1, 3))
    before = contents(lake)
    ingest(lake, days(1, 3), rows_in_memory=7)
    assert contents(lake) == before


def test_the_dates_decide_and_not_the_order_in_which_days_are_asked(lake: Lake) -> None:
    land(lake, [unquoted(ROWS)], day(1), day(3))
    ingest(lake, [day(3), day(1)])
    assert lake.job_runs_days(CENTER) == [day(1), day(3)]
    assert stored(lake, day(3)).get_column("job_run_date").unique().to_list() == [day(3)]
    assert pl.Series([stored(lake, day(1)).height, stored(lake, day(3)).height]).to_list() == [20, 20]
