"""Which days are due, missing, or looked back on."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from circleci_cost.circleci.due import due_days
from circleci_cost.coverage import look_back, missing_days
from circleci_cost.days import days_between
from circleci_cost.lake.days import JobRunsDay, write_day
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.manifests import LandedExport, Manifest
from circleci_cost.model.schema import JOB_RUN_SCHEMA
from circleci_cost.settings import Settings

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=UTC)
ACME = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return open_lake(tmp_path)


def settings(history_start: date) -> Settings:
    return Settings.model_validate(
        {"history_start": history_start, "cost_centers": [{"name": "acme", "organization_id": ACME}]}
    )


def with_job_runs(lake: Lake, first: date, last: date) -> None:
    for day in days_between(first, last):
        write_day(lake, JobRunsDay("acme", day, pl.DataFrame(schema=JOB_RUN_SCHEMA), {"export": NOW}))


def export(first: date, last: date, exported: datetime, *, complete: bool = True) -> LandedExport:
    manifest = Manifest(
        cost_center="acme",
        source="usage_export_job" if complete else "import",
        complete=complete,
        export_id=f"{exported}",
        organization_id=ACME,
        shared_organization_ids=(),
        first_day=first,
        last_day=last,
        requested_at=exported,
        exported_at=exported,
        url_count=0,
        parts=(),
    )
    return LandedExport(directory=Path(), manifest=manifest)


def test_the_daily_run_looks_back_over_the_days_that_may_be_restated(lake: Lake) -> None:
    with_job_runs(lake, date(2026, 11, 1), date(2026, 11, 20))
    assert look_back(settings(date(2025, 10, 22)), lake, "acme", NOW) == (date(2026, 11, 18), date(2026, 11, 21))


def test_the_daily_run_catches_up_on_days_missed_while_the_daemon_was_down(lake: Lake) -> None:
    with_job_runs(lake, date(2026, 11, 1), date(2026, 11, 10))
    assert look_back(settings(date(2025, 10, 22)), lake, "acme", NOW) == (date(2026, 11, 11), date(2026, 11, 21))


def test_the_daily_run_never_asks_for_more_than_one_export_job(lake: Lake) -> None:
    with_job_runs(lake, date(2026, 6, 1), date(2026, 6, 10))
    first, last = look_back(settings(date(2025, 10, 22)), lake, "acme", NOW)
    assert (first, last) == (date(2026, 10, 22), date(2026, 11, 21))
    assert len(days_between(first, last)) == 31


def test_the_daily_run_does_not_reach_before_the_history(lake: Lake) -> None:
    assert look_back(settings(date(2026, 11, 20)), lake, "acme", NOW) == (date(2026, 11, 20), date(2026, 11, 21))


def test_f078_days_beyond_the_apis_reach_are_told_apart(lake: Lake) -> None:
    with_job_runs(lake, date(2025, 11, 25), date(2026, 11, 20))
    missing = missing_days(settings(date(2025, 11, 19)), lake, "acme", NOW)
    assert missing.out_of_reach == (date(2025, 11, 19), date(2025, 11, 20), date(2025, 11, 21))
    assert missing.fetchable == (date(2025, 11, 22), date(2025, 11, 23), date(2025, 11, 24), date(2026, 11, 21))


def test_a_settled_export_is_not_fetched_again() -> None:
    days = days_between(date(2026, 11, 1), date(2026, 11, 4))
    taken = export(days[0], days[-1], datetime(2026, 11, 8, 10, 30, tzinfo=UTC))
    assert due_days(days, [taken], restatement_days=4) == [date(2026, 11, 4)]
    assert due_days(days, [taken], restatement_days=3) == []


def test_an_export_of_some_days_settles_only_those() -> None:
    days = days_between(date(2026, 11, 1), date(2026, 11, 4))
    taken = export(days[1], days[2], NOW)
    assert due_days(days, [taken], restatement_days=4) == [days[0], days[3]]


def test_imported_files_never_settle_a_day() -> None:
    days = days_between(date(2026, 11, 1), date(2026, 11, 2))
    imported = export(days[0], days[-1], NOW, complete=False)
    assert due_days(days, [imported], restatement_days=4) == days
    fetched = export(days[0], days[-1], NOW - timedelta(days=1))
    assert due_days(days, [fetched, imported], restatement_days=4) == []
