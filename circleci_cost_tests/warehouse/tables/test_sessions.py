"""Writers make a set of tables anew or not at all; readers see one state; what has not changed is not copied."""

import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import duckdb
import pytest

from circleci_cost.errors import StorageError
from circleci_cost.lake.layout import Lake, open_lake
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.warehouse.costs.current_names import rename, use_current_names
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost.warehouse.publishing.unlisted_files import remove_unlisted
from circleci_cost.warehouse.tables.changed_days import ChangedDays
from circleci_cost.warehouse.tables.manifests import Place, TableManifest, take_snapshot
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost.warehouse.tables.table_sets import TABLE_SETS
from circleci_cost_tests.pipeline.processes import ended, start
from circleci_cost_tests.s3_server import S3Server
from circleci_cost_tests.warehouse.allocation.builders import fill
from circleci_cost_tests.warehouse_tables import open_tables, publish_tables, tables_to_publish

COSTS = "daily_costs"
OCTOBER, NOVEMBER = date(2026, 10, 5), date(2026, 11, 6)
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A warehouse with two months of one cost center."""
    lake = open_lake(tmp_path / "data")
    with open_tables(lake) as connection:
        fill(connection, [{"date": day, "compute": 5} for day in (OCTOBER, NOVEMBER)])
    return lake


def manifest(lake: Lake, cost_center: str = "acme") -> TableManifest:
    return Place(lake, TABLE_SETS[COSTS], cost_center).read()


def credits(lake: Lake) -> dict[date, Decimal]:
    with TableStore(lake).reading() as opened:
        rows = opened.connection.execute("SELECT date, sum(credits) FROM daily_costs GROUP BY date").fetchall()
    return dict(rows)


def files(lake: Lake) -> list[Path]:
    return sorted(lake.tables.rglob("*.parquet"))


def days(*changed: date, anew: bool = False) -> ChangedDays:
    return ChangedDays(frozenset(changed), frozenset(changed) if anew else frozenset())


def test_months_without_a_changed_day_stay_in_their_files(lake: Lake) -> None:
    before = manifest(lake)
    with TableStore(lake).writing(COSTS, "acme", days=days(NOVEMBER)) as connection:
        assert connection.execute("SELECT date, credits FROM daily_costs").fetchall() == [(NOVEMBER, 5)]
        connection.execute("UPDATE daily_costs SET credits = 7")
    after = manifest(lake)
    assert [file.month for file in after.of(COSTS)] == ["2026-10", "2026-11"]
    assert after.of(COSTS)[0] == before.of(COSTS)[0]
    assert after.of(COSTS)[1].path != before.of(COSTS)[1].path
    assert after.version == before.version + 1
    assert credits(lake) == {OCTOBER: 5, NOVEMBER: 7}


def test_days_that_are_made_anew_are_not_loaded_and_the_others_of_their_month_are(lake: Lake) -> None:
    with open_tables(lake) as connection:
        fill(connection, [{"date": NOVEMBER + timedelta(days=1), "compute": 1}])
    with TableStore(lake).writing(COSTS, "acme", days=days(NOVEMBER, anew=True)) as connection:
        assert connection.execute("SELECT credits FROM daily_costs").fetchall() == [(1,)]
    assert credits(lake) == {OCTOBER: 5, NOVEMBER + timedelta(days=1): 1}


def test_what_is_written_again_unchanged_is_neither_copied_nor_a_new_version(lake: Lake) -> None:
    before, there = manifest(lake), files(lake)
    with TableStore(lake).writing(COSTS, "acme"):
        pass
    assert (manifest(lake), files(lake)) == (before, there)


@pytest.mark.parametrize("moment", ["in the work", "at the fence"])
def test_a_writer_that_fails_leaves_everything_as_it_was(lake: Lake, moment: str) -> None:
    before, there = manifest(lake), files(lake)

    def fence() -> None:
        raise RuntimeError("at the fence")

    with pytest.raises(RuntimeError, match=moment), TableStore(lake).writing(COSTS, "acme", fence=fence) as connection:
        connection.execute("UPDATE daily_costs SET credits = 7")
        if moment == "in the work":
            raise RuntimeError(moment)
    assert (manifest(lake), files(lake)) == (before, there)
    assert credits(lake) == {OCTOBER: 5, NOVEMBER: 5}


def test_a_reader_keeps_the_state_that_it_opened(lake: Lake) -> None:
    with TableStore(lake).reading() as opened:
        with TableStore(lake).writing(COSTS, "acme") as connection:
            connection.execute("DELETE FROM daily_costs")
        assert opened.connection.execute("SELECT count(*) FROM daily_costs").fetchall() == [(2,)]
    assert credits(lake) == {}


@pytest.mark.parametrize("table", [COSTS, "pricing_periods"])
def test_a_reader_cannot_write_by_mistake(lake: Lake, table: str) -> None:
    with TableStore(lake).reading() as opened, pytest.raises(duckdb.Error, match=r"base table"):
        opened.connection.execute(f"DELETE FROM {table}")


def test_a_manifest_that_was_replaced_meanwhile_is_not_replaced_again(lake: Lake) -> None:
    place = Place(lake, TABLE_SETS[COSTS], "acme")
    stale = place.read()
    with TableStore(lake).writing(COSTS, "acme") as connection:
        connection.execute("UPDATE daily_costs SET credits = 7")
    with pytest.raises(StorageError, match=r"current\.json was replaced by another run meanwhile \(version 2, not 1\)"):
        place.switch(stale, stale.model_copy(update={"version": 2}))
    assert credits(lake) == {OCTOBER: 7, NOVEMBER: 7}


def hold(root: Path, cost_center: str, inside: Any, go_on: Any) -> None:
    """Write a cost center's tables, and stay in the middle of it until told to go on."""
    with TableStore(Lake(root)).writing(COSTS, cost_center) as connection:
        fill(connection, [{"date": OCTOBER, "compute": 3, "cost_center": cost_center}])
        inside.set()
        assert go_on.wait(60)


def test_two_cost_centers_are_written_at_the_same_time(lake: Lake) -> None:
    context = get_context("forkserver")
    inside, go_on = context.Event(), context.Event()
    process = start(hold, lake.root, "globex", inside, go_on)
    assert inside.wait(60)
    waits: list[str] = []
    with TableStore(lake, say=waits.append).writing(COSTS, "acme") as connection:
        connection.execute("UPDATE daily_costs SET credits = 7")
    assert waits == []
    go_on.set()
    assert ended(process) == 0
    assert credits(lake) == {OCTOBER: 10, NOVEMBER: 7}


def test_a_name_that_comes_with_one_cost_center_reaches_the_rows_of_the_other(lake: Lake) -> None:
    store = TableStore(lake)
    with store.writing(COSTS, "globex") as connection:
        fill(connection, [{"date": OCTOBER, "compute": 3, "cost_center": "globex", "project": "web"}])
        connection.execute("UPDATE daily_costs SET project = 'renamed', actor_kind = NULL")
        for name, column in {"project": "project_id", "organization": "organization_id"}.items():
            values = f"'{name}', {column}, 'renamed', TIMESTAMP '2026-11-01'"
            connection.execute(f"INSERT INTO dimension_names SELECT {values} FROM daily_costs")
    use_current_names(store)
    with store.reading() as opened:
        query = "SELECT DISTINCT cost_center, organization, project FROM daily_costs ORDER BY ALL"
        names = opened.connection.execute(query).fetchall()
    assert names == [("acme", "renamed", "renamed"), ("globex", "renamed", "renamed")]
    written = take_snapshot(lake)
    use_current_names(store)
    assert take_snapshot(lake) == written


def test_a_newer_name_that_comes_while_rows_are_renamed_is_not_lost(lake: Lake) -> None:
    with TableStore(lake).writing(COSTS, "acme") as connection:
        known = "SELECT DISTINCT 'project', project_id, 'newer', TIMESTAMP '2026-11-02' FROM daily_costs"
        connection.execute(f"INSERT INTO dimension_names {known}")
        older = "* REPLACE ('older' AS name, TIMESTAMP '2026-11-01' AS named_at)"
        rename(connection, connection.sql(f"SELECT {older} FROM dimension_names").pl())
        assert connection.execute("SELECT name FROM dimension_names").fetchall() == [("newer",)]


def test_a_file_that_a_cleanup_took_during_a_long_write_is_not_listed(lake: Lake) -> None:
    before, there = manifest(lake), files(lake)

    def clean_up() -> None:
        for path in set(files(lake)) - set(there):
            path.unlink()

    removed = pytest.raises(StorageError, match="was removed before it was listed; nothing was changed")
    with removed, TableStore(lake).writing(COSTS, "acme", fence=clean_up) as connection:
        connection.execute("UPDATE daily_costs SET credits = 7")
    assert (manifest(lake), files(lake)) == (before, there)


def test_the_grace_of_a_file_begins_when_it_is_listed_no_more(lake: Lake) -> None:
    lake.published.mkdir()
    for path in files(lake):
        os.utime(path, (0, 0))
    replaced = {lake.root / file.path for file in manifest(lake).of(COSTS)}
    with TableStore(lake).reading() as opened:
        with TableStore(lake).writing(COSTS, "acme") as connection:
            connection.execute("UPDATE daily_costs SET credits = 7")
        assert remove_unlisted(lake) == []
        assert opened.connection.execute("SELECT sum(credits) FROM daily_costs").fetchall() == [(10,)]
    for path in replaced:
        os.utime(path, (0, 0))
    assert set(remove_unlisted(lake)) == replaced


def test_files_that_nothing_lists_go_after_an_hour_and_those_of_kept_generations_stay(lake: Lake) -> None:
    with tables_to_publish(lake) as connection:
        published = publish_tables(connection, lake, at=NOW)
    for compute in (7, 8):
        with TableStore(lake).writing(COSTS, "acme") as connection:
            connection.execute("UPDATE daily_costs SET credits = $compute", {"compute": compute})
    current = {file.path for file in manifest(lake).files}
    listed = {file.path for tables in (published.manifest.tables or {}).values() for file in tables}
    unlisted = [path for path in files(lake) if path.relative_to(lake.root).as_posix() not in current | listed]
    assert len(unlisted) == 2
    assert remove_unlisted(lake) == []
    for path in files(lake):
        os.utime(path, (0, 0))
    assert sorted(remove_unlisted(lake)) == unlisted
    with published.connect() as generation:
        assert generation.execute("SELECT sum(credits) FROM daily_costs").fetchall() == [(10,)]
    assert credits(lake) == {OCTOBER: 8, NOVEMBER: 8}


def test_the_grace_has_begun_before_the_switch_so_that_no_killed_writer_cuts_it_short(lake: Lake) -> None:
    lake.published.mkdir()
    for path in files(lake):
        os.utime(path, (0, 0))
    old = files(lake)

    def is_under_grace() -> None:
        assert [path for path in old if path.stat().st_mtime == 0] == []

    with TableStore(lake).writing(COSTS, "acme", fence=is_under_grace) as connection:
        connection.execute("UPDATE daily_costs SET credits = 7")
    assert remove_unlisted(lake) == []


def test_a_damaged_file_is_whole_again_when_the_same_rows_are_made_again(lake: Lake) -> None:
    before = {path: path.read_bytes() for path in files(lake)}
    listed = manifest(lake)
    for path, content in before.items():
        path.write_bytes(bytes([*content[:100], content[100] ^ 1, *content[101:]]))
    with TableStore(lake).writing(COSTS, "acme", days=days(OCTOBER, NOVEMBER, anew=True)) as connection:
        fill(connection, [{"date": day, "compute": 5} for day in (OCTOBER, NOVEMBER)])
    assert manifest(lake) == listed
    assert {lake.root / file.path: before[lake.root / file.path] for file in listed.of(COSTS)} == {
        lake.root / file.path: (lake.root / file.path).read_bytes() for file in listed.of(COSTS)
    }


def test_a_store_is_asked_twice_about_a_file_whose_rows_are_made_again(s3: S3Server) -> None:
    lake = open_lake(StorePath(f"s3://{s3.new_bucket()}/lake"))
    prices = [PricePeriod("acme", OCTOBER, None, Decimal("0.0006"))]
    for _ in range(2):
        s3.requests.clear()
        with TableStore(lake).writing("pricing_periods") as connection:
            write_prices(connection, prices, OCTOBER, NOVEMBER)
    assert Place(lake, TABLE_SETS["pricing_periods"]).read().version == 1
    asked = [path.rpartition("/")[2].partition(".")[0] for method, path in s3.requests if method == "HEAD"]
    # To read it, and to compare it with the new one.
    assert sorted(asked) == ["daily_rates", "daily_rates", "pricing_periods", "pricing_periods"]
