"""Data directories of earlier versions: what reads them, what brings them up to date, and that kills do no harm."""

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest

from circleci_cost.config.settings import load_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.lake.layout import FORMAT, Lake
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost.warehouse.costs.repriced_days import computing_rules
from circleci_cost.warehouse.publishing.generations import TABLES, current_generation
from circleci_cost.warehouse.tables.earlier_warehouse import take_over
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost_tests.cli.harness import Caller
from circleci_cost_tests.earlier_versions import SAMPLE, unpack

# What the tables of a format are. Another digest is another format: raise it, and add a directory of the former one to
# `earlier_versions`.
TABLES_OF_FORMAT = {7: "09a6a62b88daef76"}
# When it was imported and computed, and by what, differs between two installations; a file's checksum is of its time.
TIMES = ("exported_at", "costed_at", "named_at", "read_at", "job_runs_sha256", "computed_by")
WARN = "made by an earlier version of circleci_cost (northwind: 2024-11-10 to 2024-11-14)"
ALL = ("--from", "2024-11-12", "--to", "2024-11-14", "--against", "2024-11-10:2024-11-11")


# Those that lack tables and columns, and those whose tables are in a DuckDB file.
INCOMPLETE = ("before_allocation", "before_anomalies")
WITH_A_DATABASE = (*INCOMPLETE, "before_table_files")


@pytest.fixture(params=INCOMPLETE)
def old(request: pytest.FixtureRequest, call: Caller) -> Caller:
    """A caller in a folder with the data directory of an earlier version."""
    unpack(request.param, call.folder)
    return call


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def tables(connection: duckdb.DuckDBPyConnection) -> dict[str, pl.DataFrame]:
    """All tables that a connection sees, as sets of rows without the times of processing."""
    query = "SELECT table_name FROM duckdb_tables() UNION SELECT view_name FROM duckdb_views() WHERE NOT internal"
    query += " EXCEPT SELECT 'daily_costs_numbered'"
    with connection:
        names = [name for (name,) in connection.execute(query).fetchall()]
        frames = {name: connection.sql(f"FROM {name}").pl().drop(TIMES, strict=False) for name in names}
    return {name: table.select(sorted(table.columns)) for name, table in frames.items()}


def warehouse(lake: Lake) -> dict[str, pl.DataFrame]:
    """All tables of the warehouse."""
    with TableStore(lake).reading() as opened:
        return tables(opened.connection)


def assert_same_rows(actual: pl.DataFrame, expected: pl.DataFrame, name: str) -> None:
    columns = expected.columns
    assert actual.columns == columns, name
    ordered = [table.sort(columns) for table in (actual, expected)]
    assert ordered[0].equals(ordered[1]), name


def test_f092_an_older_data_directory_is_migrated_by_reprice_and_nothing_is_fetched(
    call: Caller, northwind: Path
) -> None:
    lake = Lake(unpack("before_allocation", call.folder))
    kept = files(lake.root / "exports") | files(lake.root / "job_runs")
    output = call("reprice")
    assert (output.code, output.out.splitlines()) == (
        0,
        [
            "northwind: computing 2024-11-10 to 2024-11-14 again",
            "northwind, 2024-11-10 to 2024-11-14: 841 jobs · 685 runs · 327,555 credits · $196.533000",
        ],
    )
    assert json.loads(lake.format_marker.read_text()) == {"format": FORMAT}
    assert files(lake.root / "exports") | files(lake.root / "job_runs") == kept
    assert not (lake.state / "export_jobs").exists()
    assert not lake.quota_ledger.exists()
    fresh = Lake(northwind / "data")
    assert not lake.earlier_warehouse.exists()
    for there, wanted in (
        (tables(current_generation(lake).connect()), tables(current_generation(fresh).connect())),
        (warehouse(lake), warehouse(fresh)),
    ):
        assert there.keys() == wanted.keys()
        for name in there.keys() - {"derived_from"}:
            assert_same_rows(there[name], wanted[name], name)
    assert warehouse(lake)["daily_costs"].get_column("credits_squared").null_count() == 0
    assert call("reprice").out == "Nothing to compute: every day is priced as the configuration says.\n"
    assert WARN not in call("check", "--offline").out
    by_user = call("report", "--by", "trigger_user", "--json")
    assert (by_user.code, len(json.loads(by_user.out)["rows"]) > 10) == (0, True)


def test_f092_what_reads_an_older_directory_changes_nothing_and_says_what_brings_the_rest(old: Caller) -> None:
    before = files(old.folder / "data")
    total = {"cost": "196.533000", "credits": "327555", "runs": 685, "run_seconds": 276192}
    assert json.loads(old("report", "--json").out)["total"] == total
    by_user = old("report", "--by", "trigger_user", "--json")
    assert (by_user.code, json.loads(by_user.out)["total"]) == (5, total)
    assert "northwind: 2024-11-10 to 2024-11-14: their costs are counted and have no trigger_user" in by_user.err
    assert old("explain", *ALL, "--json").code == 0
    for command, what in (("anomalies", "anomalies"), ("correlate", "correlations")):
        output = old(command)
        assert (output.code, output.err.splitlines()) == (
            1,
            [f"Error: No {what} are published yet; run `circleci-cost reprice`, which fetches nothing."],
        )
    assert f"published: {WARN}" in old("check", "--offline").out.replace("\n", " ").replace("  ", " ")
    output = old("export", "parquet", "--out", "out", "--table", "cost_anomalies")
    assert (output.code, output.err) == (
        1,
        "Error: An earlier version of circleci_cost published this, without cost_anomalies; run `circleci-cost "
        "reprice`, which fetches nothing, to have them. Nothing was written.\n",
    )
    output = old("export", "parquet", "--out", "out")
    assert (output.code, "without " in output.err) == (0, True)
    assert pl.read_parquet(old.folder / "out" / "daily_costs").get_column("credits").sum() == 327_555
    assert files(old.folder / "data") == before


def test_f092_tags_and_budgets_that_an_older_directory_lacks_are_named_with_the_command_for_them(old: Caller) -> None:
    configuration = old.folder / "circleci_cost.toml"
    tag = (
        '[[virtual_tags]]\nname = "team"\n[[virtual_tags.rules]]\nvalue = "core"\nwhere = { project = "service-30" }\n'
    )
    configuration.write_text(configuration.read_text() + tag + '[[budgets]]\nname = "all"\namount = 100\n')
    before = files(old.folder / "data")
    for command in (
        ("report", "--by", "team"),
        ("explain", *ALL, "--by", "team"),
        ("allocation", "explain"),
        ("allocation", "coverage"),
        ("budgets",),
    ):
        output = old(*command)
        # A remark that the configuration was edited may stand before it.
        last = output.err.splitlines()[-1]
        assert (output.code, last.startswith("Error: ")) == (1, True)
        assert "published" in last
        advice = "reprice" if command == ("budgets",) else "allocation apply"
        assert f"run `circleci-cost {advice}`" in last
    assert "+$160.35" in old("allocation", "diff").out
    assert files(old.folder / "data") == before


def test_f092_the_code_location_of_an_older_directory_loads_and_its_check_names_the_days(old: Caller) -> None:
    definitions = build_definitions(load_settings(old.folder / "circleci_cost.toml"))
    marker = old.folder / "data" / "format.json"
    assert json.loads(marker.read_text()) == {"format": 1}
    checks = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("daily_costs"), "computed_by_this_version"))
    job = dg.define_asset_job("look", checks)
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job])).resolve_job_def("look")
        (check,) = result.execute_in_process(instance=instance).get_asset_check_evaluations()
    assert (check.passed, check.description) == (
        False,
        "computed by an earlier version, northwind: 2024-11-10 to 2024-11-14: run `circleci-cost reprice`",
    )
    assert json.loads(marker.read_text()) == {"format": FORMAT}


@pytest.mark.parametrize("version", WITH_A_DATABASE)
def test_f092_every_table_of_an_earlier_warehouse_is_taken_over_whole(version: str, tmp_path: Path) -> None:
    lake = Lake(unpack(version, tmp_path))
    with duckdb.connect(str(lake.earlier_warehouse), read_only=True) as connection:
        names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        before = {name: connection.sql(f"FROM {name}").pl() for name in names}
    with TableStore(lake).reading() as opened:
        for name, rows in before.items():
            columns = rows.columns
            taken = opened.connection.sql(f"SELECT {', '.join(columns)} FROM {name}").pl()
            assert taken.sort(columns).equals(rows.sort(columns)), name
        ((complete,),) = opened.connection.execute("SELECT bool_and(complete) FROM usage_days").fetchall()
    assert complete is True
    assert not lake.earlier_warehouse.exists()


def test_f092_a_migration_killed_between_any_two_changes_is_ended_by_the_next_write(
    tmp_path: Path, northwind: Path
) -> None:
    wanted = warehouse(Lake(northwind / "data"))
    for killed_at in count():
        folder = tmp_path / f"{killed_at}"
        folder.mkdir()
        lake = Lake(unpack("before_table_files", folder))
        pid = os.fork()
        if not pid:
            with _dying_at_change(killed_at):
                take_over(lake)
            os._exit(0)
        (_, status) = os.waitpid(pid, 0)
        actual = warehouse(lake)
        assert not lake.earlier_warehouse.exists()
        for name in wanted.keys() - {"derived_from"}:
            assert_same_rows(actual[name], wanted[name], name)
        if os.waitstatus_to_exitcode(status) == 0:
            break
    assert killed_at > 5


@contextmanager
def _dying_at_change(number: int) -> Iterator[None]:
    """Let the process end at its `number`-th rename or removal of a file."""
    changes = count()

    def watch(event: str, _: object) -> None:
        if event in {"os.rename", "os.remove"} and next(changes) == number:
            os._exit(9)

    sys.addaudithook(watch)
    yield


def test_f092_a_day_that_was_exported_too_early_is_not_complete_after_the_upgrade(tmp_path: Path) -> None:
    lake = Lake(unpack("before_allocation", tmp_path))
    with duckdb.connect(str(lake.earlier_warehouse)) as connection:
        # 09:00 UTC of the day after: CircleCI was still bringing the day.
        connection.execute("UPDATE usage_days SET exported_at = TIMESTAMP '2024-11-15 09:00' WHERE date = '2024-11-14'")
    with TableStore(lake).reading() as opened:
        query = "SELECT date::VARCHAR FROM usage_days WHERE NOT complete"
        assert opened.connection.execute(query).fetchall() == [("2024-11-14",)]


def test_a_directory_whose_job_runs_have_no_checksums_is_whole_and_gets_them_when_days_are_read_again(
    call: Caller, northwind: Path
) -> None:
    lake, fresh = Lake(unpack("before_checksums", call.folder)), Lake(northwind / "data")
    total = {"cost": "196.533000", "credits": "327555", "runs": 685, "run_seconds": 276192}
    assert json.loads(call("report", "--json").out)["total"] == total
    assert call("doctor").out.endswith("Nothing is wrong.\n")
    for name, rows in warehouse(lake).items():
        if name != "derived_from":
            assert_same_rows(rows, warehouse(fresh)[name], name)
    asked = ("--from", "2024-11-10", "--to", "2024-11-14")
    assert call("reprice", *asked).code == 0
    assert noted(lake) == {None}
    lake.job_runs_file("northwind", date(2024, 11, 12)).unlink()
    assert call("import", SAMPLE, "--cost-center", "northwind").code == 0
    assert len(noted(lake) - {None}) == 5
    assert json.loads(lake.format_marker.read_text()) == {"format": FORMAT}
    assert json.loads(call("report", "--json").out)["total"] == total
    assert call("doctor").out.endswith("Nothing is wrong.\n")


def noted(lake: Lake, column: str = "job_runs_sha256") -> set[str | None]:
    """What days note of themselves: the checksums of the job runs that they were priced from."""
    with TableStore(lake).reading() as opened:
        return {mark for (mark,) in opened.connection.execute(f"SELECT {column} FROM usage_days").fetchall()}


def test_days_of_which_is_not_known_what_computed_them_are_computed_again_before_they_only_get_a_price(
    call: Caller,
) -> None:
    lake = Lake(unpack("before_computing_rules", call.folder))
    assert call("doctor").out.endswith("Nothing is wrong.\n")
    (checksums, before), asked = (noted(lake), warehouse(lake)), ("--from", "2024-11-10", "--to", "2024-11-14")
    for price in ("0.0012", "0.0006"):
        configuration = call.folder / "circleci_cost.toml"
        configuration.write_text(
            re.sub(r"price_per_credit = \S+", f"price_per_credit = {price}", configuration.read_text())
        )
        assert call("reprice", *asked).code == 0
        assert (noted(lake), noted(lake, "computed_by")) == (checksums, {computing_rules()})
    for name, rows in warehouse(lake).items():
        if name != "derived_from":
            assert_same_rows(rows, before[name], name)
    assert json.loads(lake.format_marker.read_text()) == {"format": FORMAT}
    assert call("doctor").out.endswith("Nothing is wrong.\n")


def test_a_change_of_the_tables_is_a_change_of_the_format() -> None:
    with duckdb.connect() as connection, transaction(connection):
        columns = connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY ALL"
        ).fetchall()
    text = json.dumps([TABLES, columns])
    assert {FORMAT: hashlib.sha256(text.encode()).hexdigest()[:16]} == TABLES_OF_FORMAT
