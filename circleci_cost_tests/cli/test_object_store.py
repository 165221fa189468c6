"""A data directory in an object store, as the configuration names it and `check` finds it."""

import json
from pathlib import Path

import pytest

from circleci_cost.config.settings import read_settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.stores import clients
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.warehouse.tables.sessions import TableStore
from circleci_cost_tests.cli.harness import Caller
from circleci_cost_tests.earlier_versions import DATA
from circleci_cost_tests.s3_server import REFUSED, S3Server

_SECTIONS = """
history_start = 2026-11-01

[[cost_centers]]
name = "acme"
organization_id = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"

[[cost_centers.pricing]]
price_per_credit = 0.0006
effective_from = 2026-01-01
"""


def _configure(call: Caller, data_dir: str) -> Path:
    return call.configure(f'data_dir = "{data_dir}"\n{_SECTIONS}')


def _about_the_directory(call: Caller, *options: str) -> dict[str, str]:
    """What `check` finds about the data directory."""
    found = json.loads(call("check", "--json", *options).out)["findings"]
    (finding,) = (finding for finding in found if finding["subject"] == "data directory")
    return dict(finding)


def test_an_address_is_taken_as_it_is_and_a_path_starts_at_the_configuration(call: Caller) -> None:
    _configure(call, "s3://bucket/company/lake/")
    assert read_settings(call.folder / "circleci_cost.toml").data_dir == StorePath("s3://bucket/company/lake")
    assert isinstance(read_settings(call.folder / "circleci_cost.toml").data_dir, StorePath)
    _configure(call, "data")
    assert read_settings(call.folder / "circleci_cost.toml").data_dir == call.folder / "data"


def test_an_address_with_a_secret_is_refused_without_repeating_it(call: Caller) -> None:
    _configure(call, "s3://AKIAcanary:canary@bucket/lake")
    with pytest.raises(ConfigurationError, match=r"line 1.*data_dir.*credentials and endpoints come from") as refused:
        read_settings(call.folder / "circleci_cost.toml")
    assert "canary" not in str(refused.value)


def test_check_says_that_a_store_can_be_written_and_honours_conditions(call: Caller, s3: S3Server) -> None:
    address = f"s3://{s3.new_bucket()}/lake"
    _configure(call, address)
    assert _about_the_directory(call) == {
        "subject": "data directory",
        "state": "ok",
        "sentence": f"{address} can be written, and the store honours conditions on writes",
    }


def test_check_says_what_keeps_a_store_from_being_used(call: Caller, s3: S3Server) -> None:
    address = f"s3://{s3.new_bucket()}/lake"
    _configure(call, address)
    s3.before = lambda method, path: REFUSED
    found = _about_the_directory(call)
    assert found["state"] == "error"
    assert found["sentence"].startswith("S3 does not let these credentials write s3://")
    s3.calm()
    s3.before_request = lambda environ: [environ.pop(name, None) for name in ("HTTP_IF_NONE_MATCH", "HTTP_IF_MATCH")]
    assert "ignores conditions on writes" in _about_the_directory(call)["sentence"]
    s3.calm()
    _configure(call, "s3://no-such-bucket/lake")
    assert "There is no bucket s3://no-such-bucket" in _about_the_directory(call)["sentence"]


def test_check_offline_asks_no_store(call: Caller, s3: S3Server) -> None:
    _configure(call, f"s3://{s3.new_bucket()}/lake")
    s3.requests.clear()
    assert "which was not asked" in _about_the_directory(call, "--offline")["sentence"]
    assert s3.requests == []


def test_a_command_with_a_store_that_is_away_ends_with_one_sentence(
    call: Caller, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_RETRIES", 0)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    _configure(call, "s3://bucket/lake")
    output = call("report")
    assert (output.code, output.out) == (1, "")
    assert output.err.startswith("Error: Cannot read s3://bucket/lake/format.json: S3 did not answer")


def test_an_import_into_a_store_publishes_what_one_on_a_disk_does(call: Caller, s3: S3Server, northwind: Path) -> None:
    address = f"s3://{s3.new_bucket()}/lake"
    text = (DATA / "northwind.toml").read_text()
    call.configure(text.replace('data_dir = "data"', f'data_dir = "{address}"'))
    imported = call("import", DATA / "usage_export_part_unquoted.csv.gz", "--cost-center", "northwind")
    assert (imported.code, "$196.533000" in imported.out) == (0, True), imported.err
    lake, local = Lake(StorePath(address)), Lake(northwind / "data")
    assert json.loads(call("report", "--by", "project", "--json").out)["total"]["cost"] == "196.533000"
    drawn = ("exported_at", "costed_at", "export_id", "job_runs_sha256")
    with TableStore(lake).reading() as stored, TableStore(local).reading() as there:
        for table in ("daily_costs", "allocated_costs", "usage_days", "waste", "class_advice"):
            rows = [opened.connection.sql(f"FROM {table}").pl().drop(drawn, strict=False) for opened in (stored, there)]
            assert rows[0].sort(rows[0].columns).equals(rows[1].sort(rows[1].columns)), table
    assert list(lake.focus.glob("focus-*.parquet"))
    assert call("doctor").code == 0
    assert not list(call.folder.glob("*:*"))
