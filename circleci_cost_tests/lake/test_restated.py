"""Restatements: what a later export changed is recorded once, whatever crashes in between."""

from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circleci_cost.errors import StorageError
from circleci_cost.lake.days import read_restatements
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.model.usage.restatements import SCHEMA
from circleci_cost_tests.model.usage.builders import record, records

from .builders import CENTER, EXPORTED, FIRST, contents, day, days, ingest, jobs, land_rows, of, stored


def recorded(lake: Lake) -> list[tuple[object, ...]]:
    return read_restatements(lake, [CENTER]).drop("recorded_at").rows()


def land_two_states(lake: Lake) -> None:
    land_rows(lake, records(3))
    ingest(lake)
    later = [record(2), record(3, TOTAL_CREDITS="40"), record(4, TOTAL_CREDITS="7")]
    land_rows(lake, later, export_id="export-2", hours=24)


RESTATED = (CENTER, FIRST, "export-2", 1, 1, 1, Decimal(7), Decimal(42), Decimal(-2))


def test_a_first_ingest_restates_nothing(lake: Lake) -> None:
    land_rows(lake, records(3))
    assert ingest(lake).restatements().equals(pl.DataFrame(schema=SCHEMA))
    assert read_restatements(lake, [CENTER]).equals(pl.DataFrame(schema=SCHEMA))


def test_f072_a_later_export_wins_and_its_changes_are_recorded(lake: Lake) -> None:
    land_two_states(lake)
    report = ingest(lake, hours=101)
    assert jobs(lake, FIRST) == {FIRST: of(j2=42, j3=40, j4=7)}
    assert recorded(lake) == [RESTATED]
    assert report.restatements().rows() == read_restatements(lake, [CENTER]).rows()
    assert report.restatements().get_column("recorded_at").to_list() == [EXPORTED + timedelta(hours=101)]


def test_f073_vanished_jobs_are_recorded(lake: Lake) -> None:
    land_rows(lake, records(3))
    ingest(lake)
    land_rows(lake, records(1), export_id="export-2", hours=24)
    ingest(lake)
    assert recorded(lake) == [(CENTER, FIRST, "export-2", 0, 2, 0, Decimal(0), Decimal(84), Decimal(0))]


def test_the_same_export_ingested_twice_records_nothing_more(lake: Lake) -> None:
    land_two_states(lake)
    ingest(lake)
    assert ingest(lake).restatements().is_empty()
    assert recorded(lake) == [RESTATED]


def test_a_later_export_without_changes_records_nothing(lake: Lake) -> None:
    land_rows(lake, records(3))
    ingest(lake)
    land_rows(lake, records(3, LAST_BUILD_FINISHED_AT="2026-12-01 00:00:00"), export_id="export-2", hours=24)
    assert ingest(lake).restatements().is_empty()
    assert recorded(lake) == []
    assert stored(lake).get_column("export_id").unique().to_list() == ["export-2"]


def test_f084_a_kill_between_restatement_and_day_repeats_to_the_same(lake: Lake) -> None:
    land_two_states(lake)
    path = lake.job_runs_file(CENTER, FIRST)
    day_before = path.read_bytes()
    ingest(lake)
    after = contents(lake)
    path.write_bytes(day_before)  # as if killed after the record and before the rename of the day
    report = ingest(lake)
    assert contents(lake) == after
    assert report.restatements().drop("recorded_at").rows() == [RESTATED]


def test_a_day_that_cannot_be_written_leaves_the_days_before_it_published(lake: Lake) -> None:
    blocked = lake.job_runs_file(CENTER, day(2)).parent
    blocked.parent.mkdir(parents=True)
    blocked.write_bytes(b"in the way")
    land_rows(lake, records(3), day(1), day(2))
    with pytest.raises(StorageError, match=r"Cannot write .*date=2026-10-02/data.parquet: File exists"):
        ingest(lake, days(1, 2))
    assert lake.job_runs_days(CENTER) == [day(1)]
    assert blocked.read_bytes() == b"in the way"


def test_each_export_has_its_own_record(lake: Lake) -> None:
    land_two_states(lake)
    ingest(lake)
    land_rows(lake, records(3), export_id="export-3", hours=48)
    ingest(lake)
    assert [row[2:6] for row in recorded(lake)] == [("export-2", 1, 1, 1), ("export-3", 1, 1, 1)]


states = st.dictionaries(st.integers(1, 5), st.integers(-50, 50), max_size=5)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(states, min_size=2, max_size=4))
def test_the_restatements_of_a_day_lead_from_its_first_credits_to_its_last(
    tmp_path_factory: pytest.TempPathFactory, history: list[dict[int, int]]
) -> None:
    lake = open_lake(tmp_path_factory.mktemp("history") / "data")
    for number, state in enumerate(history):
        rows = [record(job, TOTAL_CREDITS=str(credits)) for job, credits in state.items()]
        land_rows(lake, rows, export_id=f"export-{number}", hours=number)
        ingest(lake, hours=100 + number)
    added, removed, changed = (
        read_restatements(lake, [CENTER]).select("credits_added", "credits_removed", "credits_changed").sum().row(0)
    )
    # A day that had jobs stays where an export has none.
    last = next((state for state in reversed(history) if state), {})
    assert sum(last.values()) == sum(history[0].values()) + added - removed + changed
