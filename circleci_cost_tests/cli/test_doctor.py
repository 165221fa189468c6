"""`doctor`: names exactly what is damaged, changes nothing unasked; what it sets aside is made again, to the digit."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest

from circleci_cost.config.settings import load_settings
from circleci_cost.history.coverage import open_days
from circleci_cost.lake.days import read_day, write_day
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.manifests import MANIFEST, landed_exports, read_manifest, write_manifest
from circleci_cost.warehouse.publishing.generations import current_generation
from circleci_cost_tests.cli.harness import Caller, copied
from circleci_cost_tests.cli.test_upgrades import assert_same_rows, files, tables, warehouse

DAYS = "--from 2024-11-10 --to 2024-11-14 --cost-center northwind"
REPRICE = f"circleci-cost reprice {DAYS}"
REREAD = "circleci-cost backfill --from 2024-11-12 --to 2024-11-12 --cost-center northwind"
DERIVE = "circleci-cost allocation apply"
FINE = "Verified 13 listed files"

Damage = Callable[[Path], object]


def flip(path: Path) -> None:
    """Turn one bit over in the middle."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    """Cut off the end."""
    path.write_bytes(path.read_bytes()[:-7])


@pytest.fixture
def site(call: Caller, northwind: Path) -> Caller:
    """Northwind's folder, to be damaged."""
    copied(northwind, call.folder)
    return call


def the(call: Caller, pattern: str) -> Path:
    """The one file below the data directory that fits."""
    (path,) = (call.folder / "data").glob(pattern)
    return path


def found(call: Caller, *options: str) -> dict[str, list[tuple[str, str]]]:
    """What `doctor` finds, by where: states and whats."""
    where: dict[str, list[tuple[str, str]]] = {}
    for finding in json.loads(call("doctor", "--json", *options).out)["findings"]:
        where.setdefault(finding["where"], []).append((finding["state"], finding["what"]))
    return where


def test_an_intact_directory_is_fine_and_stays_as_it_is(site: Caller) -> None:
    before = files(site.folder / "data")
    output = site("doctor")
    assert (output.code, output.err) == (0, "")
    assert output.out.startswith(FINE)
    assert output.out.endswith(" and 5 days of 841 jobs: 327,555 credits, $196.533000. Nothing is wrong.\n")
    assert files(site.folder / "data") == before
    assert json.loads(site("doctor", "--json").out)["verified"]["credits"] == "327555"


def test_a_folder_without_data_is_refused_and_none_is_made(call: Caller, northwind: Path) -> None:
    shutil.copy(northwind / "circleci_cost.toml", call.folder)
    output = call("doctor")
    assert (output.code, output.out) == (1, "")
    assert "is no data directory: there is no format.json; nothing was verified." in output.err
    assert not (call.folder / "data").exists()


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
@pytest.mark.parametrize(
    ("pattern", "command"),
    [
        ("tables/daily_costs/northwind/daily_costs.*.parquet", REPRICE),
        ("tables/daily_costs/northwind/usage_days.*.parquet", REPRICE),
        ("tables/daily_costs/northwind/dimension_names.*.parquet", REPRICE),
        ("tables/pricing_periods/daily_rates.*.parquet", REPRICE),
        ("tables/waste/waste.*.parquet", DERIVE),
        ("published/*/dimension_values.*.parquet", DERIVE),
        ("job_runs/*/date=2024-11-12/data.parquet", REREAD),
        ("exports/*/*/part-0000.csv.gz", ""),
    ],
)
def test_f030_exactly_the_damaged_file_is_named_with_the_command_that_makes_it(
    site: Caller, pattern: str, command: str, damage: Damage
) -> None:
    path = the(site, pattern)
    damage(path)
    before = files(site.folder / "data")
    output = site("doctor", "--json")
    answer = json.loads(output.out)
    assert (output.code, files(site.folder / "data")) == (1, before)
    where = path.relative_to(site.folder / "data").as_posix()
    named = answer["findings"][0]
    if where.startswith("job_runs"):
        # Nothing lists its checksum; whatever a read and the sums show is found.
        assert named["where"] == "job_runs/cost_center=northwind"
        assert "1 day (2024-11-12)" in named["what"]
    else:
        assert [finding["where"] for finding in answer["findings"]] == [where]
    if where.startswith("exports"):
        # Its days are older than a year, and it was imported.
        assert "import the file again" in named["advice"]
        if damage is not Path.unlink:
            assert len(answer["commands"]) == 0
    else:
        assert answer["commands"] == [command]


@pytest.mark.parametrize("pattern", ["tables/waste", "tables/daily_costs/northwind", "published"])
def test_a_manifest_that_is_no_json_is_named(site: Caller, pattern: str) -> None:
    the(site, f"{pattern}/current.json").write_text("{")
    assert f"{pattern}/current.json" in found(site)


def test_one_repair_and_the_named_commands_bring_back_every_table_to_the_digit(
    site: Caller, northwind: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flip(the(site, "tables/daily_costs/northwind/daily_costs.*.parquet"))
    truncate(the(site, "tables/waste/waste.*.parquet"))
    the(site, "tables/pricing_periods/daily_rates.*.parquet").unlink()
    the(site, "published/*/dimension_values.*.parquet").unlink()
    the(site, "tables/cost_anomalies/current.json").write_text("{")
    intact = {path: content for path, content in files(site.folder / "data").items() if "exports/" in path}
    output = site("doctor", "--repair")
    assert output.code == 1
    assert "Nothing was deleted." in output.out
    assert output.out.endswith(f"To make everything again: `{REPRICE}`.\n")
    assert site(*REPRICE.split()[1:]).code == 0
    assert site("doctor").code == 0
    assert_as_imported(site, northwind)
    assert intact.items() <= files(site.folder / "data").items()


def assert_as_imported(site: Caller, northwind: Path) -> None:
    """All tables, the published ones and those of the warehouse, are those of the folder that was never damaged."""
    lake, fresh = Lake(site.folder / "data"), Lake(northwind / "data")
    for there, wanted in (
        (tables(current_generation(lake).connect()), tables(current_generation(fresh).connect())),
        (warehouse(lake), warehouse(fresh)),
    ):
        assert there.keys() == wanted.keys()
        for name in there.keys() - {"derived_from"}:
            assert_same_rows(there[name], wanted[name], name)


def _without_a_manifest(folder: Path) -> None:
    (folder / "current.json").unlink()


def _with_an_unreadable_manifest(folder: Path) -> None:
    (folder / "current.json").write_text("{")


def _with_a_flipped_bit(folder: Path) -> None:
    (path,) = folder.glob("pricing_periods.*.parquet")
    flip(path)


@pytest.mark.parametrize("damage", [_without_a_manifest, _with_an_unreadable_manifest, _with_a_flipped_bit])
def test_lost_prices_alone_are_named_and_made_again(site: Caller, northwind: Path, damage: Damage) -> None:
    """The published costs are right, so `reprice` without days would find nothing to compute."""
    damage(site.folder / "data" / "tables" / "pricing_periods")
    output = site("doctor", "--repair")
    assert output.code == 1
    assert output.out.endswith(f"To make everything again: `{REPRICE}`.\n")
    # Set aside and not yet made again, they are named still.
    assert "tables/pricing_periods/current.json" in found(site)
    assert site(*REPRICE.split()[1:]).code == 0
    assert site("doctor").code == 0
    assert_as_imported(site, northwind)


@pytest.mark.parametrize("damage", [flip, truncate])
def test_what_is_set_aside_is_kept(site: Caller, damage: Damage) -> None:
    path = the(site, "tables/daily_costs/northwind/daily_costs.*.parquet")
    damage(path)
    content = path.read_bytes()
    assert site("doctor", "--repair").code == 1
    kept = the(site, f"state/damaged/*/{path.relative_to(site.folder / 'data')}")
    assert kept.read_bytes() == content
    # The days are noted as not computed: the next run of any kind computes them.
    assert set(found(site)) == {"tables", "tables/daily_costs/northwind"}


def test_days_of_a_damaged_export_that_circleci_serves_are_to_be_fetched_again(site: Caller) -> None:
    lake = Lake(site.folder / "data")
    (export,) = landed_exports(lake, "northwind")
    manifest = read_manifest(export.directory)
    write_manifest(export.directory, manifest.model_copy(update={"source": "usage_export_job", "complete": True}))
    truncate(export.directory / "part-0000.csv.gz")
    then = site.at("2024-12-01T00:00:00+00:00")
    output = then("doctor")
    assert output.code == 5
    assert f"run `circleci-cost backfill {DAYS} --refetch`, which fetches them again\n" in output.out
    assert then("doctor", "--repair").code == 5
    assert not (export.directory / MANIFEST).exists()
    settings = load_settings(site.folder / "circleci_cost.toml")
    days = [date(2024, 11, 10) + timedelta(days=number) for number in range(5)]
    assert open_days(settings, lake, "northwind", days, datetime(2024, 12, 1, tzinfo=UTC)) == days


@pytest.mark.parametrize("column", ["job_name", "compute_credits", "project_id"])
def test_job_runs_that_were_changed_in_place_are_named_though_their_sums_are_the_same(
    site: Caller, column: str
) -> None:
    lake = Lake(site.folder / "data")
    day = read_day(lake, "northwind", date(2024, 11, 12))
    assert day is not None
    # The values of one column change places: every sum over the day stays as it was.
    write_day(lake, replace(day, rows=day.rows.with_columns(pl.col(column).reverse())))
    where = "job_runs/cost_center=northwind"
    what = "1 day (2024-11-12): other jobs than those that its daily costs were computed of"
    assert found(site) == {where: [("error", what)]}
    output = site("doctor", "--repair")
    assert (output.code, output.out.splitlines()[-1]) == (1, f"To make everything again: `{REREAD}`.")
    assert not lake.job_runs_file("northwind", date(2024, 11, 12)).exists()
    assert the(site, "state/damaged/*/job_runs/*/date=2024-11-12/data.parquet").stat().st_size > 0
    assert [sentence for _, sentence in found(site)[where]] == ["1 day (2024-11-12): no file of job runs"]


@pytest.mark.parametrize("column", ["job_id", "pipeline_trigger_user_id", "job_run_stopped_at"])
def test_a_bit_of_job_runs_that_no_cost_is_made_of_is_named_by_the_checksum(site: Caller, column: str) -> None:
    path = the(site, "job_runs/*/date=2024-11-12/data.parquet")
    metadata = pq.read_metadata(path)
    (number,) = (n for n in range(metadata.num_columns) if metadata.schema.column(n).name == column)
    chunk = metadata.row_group(0).column(number)
    content = bytearray(path.read_bytes())
    content[chunk.data_page_offset + chunk.total_compressed_size - 1] ^= 1
    path.write_bytes(content)
    assert found(site) == {"job_runs/cost_center=northwind": [("error", "1 day (2024-11-12): damaged")]}


def test_a_day_without_job_runs_and_exports_is_to_be_fetched_while_circleci_serves_it(site: Caller) -> None:
    shutil.rmtree(site.folder / "data" / "exports")
    shutil.rmtree(the(site, "job_runs/*/date=2024-11-12"))
    then = site.at("2024-12-01T00:00:00+00:00")
    assert then("doctor").code == 5
    assert (
        "fetch",
        "1 day (2024-11-12): no file of job runs",
    ) in found(then)["job_runs/cost_center=northwind"]
    assert site("doctor").code == 1


def test_days_with_job_runs_and_without_costs_are_named(site: Caller) -> None:
    shutil.rmtree(site.folder / "data" / "tables" / "daily_costs")
    where = found(site)
    assert where["tables/daily_costs/northwind"] == [
        ("error", "5 days (2024-11-10 to 2024-11-14) without daily costs, or with those of earlier job runs")
    ]


def test_a_manifest_whose_sums_are_not_those_of_its_rows_is_named(site: Caller) -> None:
    path = the(site, "published/*/manifest.json")
    path.write_text(path.read_text().replace('"327555.000000"', '"327556.000000"'))
    ((_, what),) = found(site)[f"published/{path.parent.name}"]
    assert what.startswith("its daily costs come to 327555.000000 credits (0.000000 unpriced) and 196.533")


def test_unlisted_files_and_a_database_of_an_earlier_version_are_remarks(site: Caller) -> None:
    shutil.copy(the(site, "tables/waste/waste.*.parquet"), site.folder / "data" / "tables" / "waste" / "left.parquet")
    assert found(site)["tables"][0][1].startswith("1 file (")
    (site.folder / "data" / "warehouse.duckdb").touch()
    output = site("doctor")
    assert output.code == 0
    assert "takes them over and removes it" in output.out
