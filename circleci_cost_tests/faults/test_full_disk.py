"""The disk is full in the middle of each step: one sentence, nothing half-made stays, the next run makes it good."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from circleci_cost.assets import PRICING_PERIODS
from circleci_cost.defs.resources import warehouse_resource
from circleci_cost.errors import StorageError
from circleci_cost.lake.ingest import ingest_days
from circleci_cost.lake.layout import open_lake
from circleci_cost.notify.outbox_file import OutboxFile
from circleci_cost.warehouse.publishing.generations import POINTER
from circleci_cost_tests.circleci.harness import csv_part, gz
from circleci_cost_tests.circleci.harness import running as source_running
from circleci_cost_tests.faults.limits import files_of_at_most
from circleci_cost_tests.lake.builders import CENTER, EXPORTED, FIRST, contents, ingest, land_rows, stored
from circleci_cost_tests.model.usage.builders import ORGANIZATION, records
from circleci_cost_tests.pipeline.harness import Site, failures
from circleci_cost_tests.pipeline.harness import running as pipeline_running
from circleci_cost_tests.pipeline.oracle import expected_costs, found_costs
from circleci_cost_tests.pipeline.scenarios import YESTERDAY

SINCE = date(2024, 3, 8)


def test_f041_disk_full_at_download(tmp_path: Path) -> None:
    with source_running(tmp_path) as site:
        for number in range(3):
            (site.folder / f"{number}.csv.gz").write_bytes(gz(csv_part(number, rows=4000)))
        with (
            files_of_at_most(40_000),
            pytest.raises(StorageError, match=r"^Cannot write .*: File too large; what was there before is untouched"),
        ):
            site.fetch()
        assert site.snapshot() == {}
        assert site.landed_contents(site.fetch()) == site.contents


def test_f041_disk_full_under_the_request_ledger(tmp_path: Path) -> None:
    with source_running(tmp_path) as site:
        with files_of_at_most(2000), pytest.raises(StorageError, match=r"ledger .*quota\.sqlite cannot be used"):
            site.fetch()
        assert site.asked("create") == []
        site.fetch()


@pytest.mark.parametrize("rows_in_memory", [100_000, 100])
def test_f041_disk_full_at_conversion(tmp_path: Path, rows_in_memory: int) -> None:
    """Where few rows are kept in memory, it is the spill that finds no space."""
    lake = open_lake(tmp_path)
    land_rows(lake, records(2))
    ingest(lake)
    land_rows(lake, records(400), export_id="export-2", hours=1)
    before = contents(lake)
    with files_of_at_most(500), pytest.raises(StorageError, match=r"^Cannot write .*: File too large; what was there"):
        ingest_days(lake, CENTER, [ORGANIZATION], [FIRST], ingested_at=EXPORTED, rows_in_memory=rows_in_memory)
    assert contents(lake) == before
    ingest(lake)
    assert stored(lake).height == 400


# The size that no file may exceed, and what its step says then.
STEPS = {
    "job_runs": (
        1000,
        r"job_runs: Cannot write .*/data\.parquet: (File too large|there is no space for all of it).*; what was",
    ),
    "daily_costs": (
        1000,
        r"daily_costs: Cannot write .*/data/tables/daily_costs/initech: File too large; what was",
    ),
    "published": (2000, r"published: Cannot write .*/data/(tables|published)/[^:]+: File too large; what was there"),
}


def test_f041_disk_full_in_the_warehouse_and_at_publishing(tmp_path: Path) -> None:
    """One story through all steps of a restatement; what was published stays as it was until all have passed."""
    with pipeline_running(tmp_path) as site:
        site.refresh("initech", SINCE, YESTERDAY)
        site.clock.advance(timedelta(days=1))
        site.run("refresh", "initech", SINCE, YESTERDAY, only=["usage_exports"], refetch=True)
        before = _published(site)
        for asset, (size, sentence) in STEPS.items():
            with files_of_at_most(size):
                result = site.run("refresh", "initech", SINCE, YESTERDAY, only=[asset], fails=True)
            (failure,) = failures(result)
            assert re.match(sentence, failure), failure
            assert _published(site) == before
            site.run("refresh", "initech", SINCE, YESTERDAY, only=[asset])
        assert _published(site) != before
        expected = expected_costs(site.simulator.scenario, site.centers, SINCE, YESTERDAY, site.clock.now())
        assert found_costs(site.table("daily_costs").to_dicts()) == expected


def test_f041_disk_full_in_the_outbox(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite"
    with (
        files_of_at_most(2000),
        pytest.raises(StorageError, match=r"^Cannot write .*outbox\.sqlite: it cannot be read or written"),
    ):
        _add(path)
    _add(path)
    with OutboxFile(path).transaction() as file:
        assert file.execute("select count(*) from messages").fetchone() == (1,)


def _add(path: Path) -> None:
    with OutboxFile(path).transaction() as file:
        file.execute("insert into messages values ('a', 'b', 'c', 'd', 'e', ?, 0)", ("x" * 5000,))


def test_f041_a_transaction_that_finds_no_space_changes_nothing(tmp_path: Path) -> None:
    """The table's file is what cannot be written; nothing of it stays."""
    lake = open_lake(tmp_path)
    warehouse = warehouse_resource(lake)
    with warehouse.writing(PRICING_PERIODS) as connection:
        connection.execute("INSERT INTO pricing_periods VALUES ('acme', 0.0006, DATE '2026-01-01', NULL)")
    before = sorted(lake.tables.rglob("*"))
    many = "SELECT md5(i::VARCHAR), 0.0006, DATE '2026-01-01', NULL FROM range(100000) AS t(i)"
    with (
        files_of_at_most(2000),
        pytest.raises(StorageError, match=r"^Cannot write .*: File too large"),
        warehouse.writing(PRICING_PERIODS) as connection,
    ):
        connection.execute(f"INSERT INTO pricing_periods {many}")
    with warehouse.get_connection() as connection:
        assert connection.execute("SELECT count(*) FROM pricing_periods").fetchall() == [(1,)]
    assert sorted(lake.tables.rglob("*")) == before


def _published(site: Site) -> tuple[list[str], bytes, list[Path]]:
    """The folders of generations, the pointer, and temporary files anywhere; the former stay, the latter are none."""
    folders = sorted(path.name for path in site.lake.published.iterdir())
    return folders, (site.lake.published / POINTER).read_bytes(), sorted(site.lake.root.rglob(".tmp-*"))
