"""The differences between two states of one day."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circleci_cost.model.usage.normalize import normalize
from circleci_cost.model.usage.records import read_records
from circleci_cost.model.usage.restatements import SCHEMA, compare

from .builders import put, record, unquoted

DAY, AT = date(2026, 10, 1), datetime(2026, 10, 3, 11, tzinfo=UTC)


def state(folder: Path, jobs: dict[int, str], **changes: str | None) -> pl.DataFrame:
    rows = [record(number, TOTAL_CREDITS=credits, **changes) for number, credits in jobs.items()]
    (block,) = read_records(put(folder, unquoted(rows)))
    return normalize(block)


def difference(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    return compare(before, after, cost_center="acme", day=DAY, export_id="later", at=AT)


def test_f072_added_removed_and_changed_jobs_are_counted_separately(tmp_path: Path) -> None:
    before = state(tmp_path, {1: "10", 2: "20", 3: "30"})
    after = state(tmp_path, {2: "20", 3: "25.5", 4: "4"})
    assert difference(before, after).rows() == [
        ("acme", DAY, "later", AT, 1, 1, 1, Decimal(4), Decimal(10), Decimal("-4.5"))
    ]


def test_f073_jobs_that_vanish_are_reported(tmp_path: Path) -> None:
    before = state(tmp_path, {1: "10", 2: "20"})
    assert difference(before, before.clear()).rows() == [
        ("acme", DAY, "later", AT, 0, 2, 0, Decimal(0), Decimal(30), Decimal(0))
    ]


def test_a_changed_name_is_a_change_without_credits(tmp_path: Path) -> None:
    before, after = state(tmp_path, {1: "10"}), state(tmp_path, {1: "10"}, PROJECT_NAME="renamed")
    assert difference(before, after).select("jobs_changed", "credits_changed").rows() == [(1, Decimal(0))]


def test_a_value_that_becomes_null_is_a_change(tmp_path: Path) -> None:
    before, after = state(tmp_path, {1: "10"}), state(tmp_path, {1: "10"}, MAX_CPU_UTILIZATION_PCT=None)
    assert difference(before, after).get_column("jobs_changed").to_list() == [1]


def test_a_column_that_describes_the_time_of_the_export_is_not_compared(tmp_path: Path) -> None:
    before, after = state(tmp_path, {1: "10"}), state(tmp_path, {1: "10"}, LAST_BUILD_FINISHED_AT="2026-11-01 00:00:00")
    assert difference(before, after).equals(pl.DataFrame(schema=SCHEMA))


states = st.dictionaries(st.integers(1, 6), st.decimals(-1000, 1000, places=6).map(str), max_size=6)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=states, after=states)
def test_the_parts_of_a_restatement_sum_to_the_change_of_the_day(
    tmp_path: Path, before: dict[int, str], after: dict[int, str]
) -> None:
    restatement = difference(state(tmp_path, before), state(tmp_path, after))
    added, removed, changed = restatement.select("credits_added", "credits_removed", "credits_changed").sum().row(0)
    first, last = (sum(map(Decimal, jobs.values())) for jobs in (before, after))
    assert last == first + added - removed + changed
    assert restatement.height == (before != after)
