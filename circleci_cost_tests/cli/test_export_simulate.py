"""`export` writes the published tables; `simulate` serves an API that a client can use."""

import csv
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import httpx
import polars as pl
import pytest

from circleci_cost.circleci import Account, Endpoint
from circleci_cost.cli.instance import prepare_dagster_home
from circleci_cost.clock import SystemClock
from circleci_cost.config.settings import read_settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.simulator import ACME_ID
from circleci_cost.text.csv_text import safe_cell
from circleci_cost.warehouse.publishing.generations import TABLES
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.text.test_csv_text import HOSTILE

ROWS = [
    {"date": date(2026, 1, 31), "project": "=1+1", "compute": "1000"},
    {"date": date(2026, 2, 1), "project": "web", "compute": "0.5", "price": None},
]


@pytest.fixture
def published(call: Caller) -> Caller:
    call.configure(configuration())
    publish_rows(call.folder / "data", ROWS)
    return call


def test_parquet_holds_every_row_by_month(published: Caller) -> None:
    output = published("export", "parquet", "--out", "out")
    assert output.code == 0
    assert sorted(path.name for path in (published.folder / "out").iterdir()) == sorted(TABLES)
    assert [path.name for path in sorted((published.folder / "out" / "daily_costs").iterdir())] == [
        "2026-01.parquet",
        "2026-02.parquet",
    ]
    query = f"SELECT project, credits, cost_usd FROM '{published.folder}/out/daily_costs/*.parquet' ORDER BY date"
    rows = [[str(value) for value in row] for row in duckdb.execute(query).fetchall()]
    assert rows == [["=1+1", "1000.000000", "0.6000000000000000"], ["web", "0.500000", "None"]]


def test_f110_exported_names_run_in_no_spreadsheet_and_break_no_row(call: Caller) -> None:
    call.configure(configuration())
    day = date(2026, 1, 31)
    publish_rows(call.folder / "data", [{"date": day, "project": name, "compute": "1000"} for name in HOSTILE])
    assert call("export", "csv", "--out", "out", "--table", "daily_costs").code == 0
    path = call.folder / "out" / "daily_costs" / "2026-01.csv"
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, strict=True))
    expected = sorted(safe_cell(name) for name in HOSTILE)
    assert sorted(row["project"] for row in rows) == expected
    assert {(row["credits"], row["cost_usd"], row["branch"]) for row in rows} == {
        ("1000.000000", "0.6000000000000000", "")
    }
    assert sorted(pl.read_csv(path, infer_schema=False).get_column("project")) == expected
    cells = duckdb.execute("SELECT project, branch IS NULL FROM read_csv($path)", {"path": str(path)}).fetchall()
    assert sorted(cells) == [(name, True) for name in expected]


def test_an_exported_null_is_an_empty_cell_and_an_amount_a_number(published: Caller) -> None:
    assert published("export", "csv", "--out", "out", "--table", "daily_costs").code == 0
    lines = (published.folder / "out" / "daily_costs" / "2026-02.csv").read_text().splitlines()
    row = dict(zip(lines[0].replace('"', "").split(","), lines[1].split(","), strict=True))
    assert (row["project"], row["credits"], row["cost_usd"], row["branch"]) == ('"web"', "0.500000", "", "")


def test_only_the_days_that_are_asked_for(published: Caller) -> None:
    output = published("export", "csv", "--out", "out", "--table", "daily_costs", "--from", "2026-02-01")
    assert output.out == "out/daily_costs\t1 row\n"


def test_what_is_there_is_left_alone_without_force(published: Caller) -> None:
    assert published("export", "csv", "--out", "out").code == 0
    before = {path: path.read_bytes() for path in (published.folder / "out").rglob("*.csv")}
    output = published("export", "parquet", "--out", "out")
    assert output.code == 2
    assert "is there already and was left as it is; add --force" in output.err
    assert {path: path.read_bytes() for path in (published.folder / "out").rglob("*.*")} == before
    assert published("export", "parquet", "--out", "out", "--force").code == 0
    assert not list((published.folder / "out").rglob("*.csv"))
    assert not [path for path in (published.folder / "out").rglob("*") if path.name.startswith(".")]


def test_the_simulator_prints_its_address_and_organizations_and_serves_until_it_is_stopped() -> None:
    command = [sys.executable, "-m", "circleci_cost.cli", "simulate", "--jobs-per-day", "10", "--token", "secret"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base_url, first = process.stdout.readline().strip(), process.stdout.readline()
            assert base_url.startswith("http://127.0.0.1:")
            assert base_url.endswith("/api/v2")
            assert first == f"acme\t{ACME_ID}\tgh/acme\n"
            endpoint = Endpoint(token="secret", token_env="T", base_url=base_url)
            with Account(endpoint, SystemClock()) as account:
                assert account.organization(ACME_ID).name == "acme"
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=20)
        finally:
            process.kill()
    assert (process.returncode, err) == (0, "Stopped.\n")


def test_the_simulator_behind_a_proxy_shows_its_public_address_and_created_where_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--port", f"{port}", "--public-url", "https://sim.example.com/", "--created-first"]
    command = [sys.executable, "-m", "circleci_cost.cli", "simulate", "--jobs-per-day", "10", *options]
    end = datetime.now(UTC).date() - timedelta(days=1)
    window = {"start": f"{end - timedelta(days=3)}T00:00:00Z", "end": f"{end}T00:00:00Z"}
    with subprocess.Popen([*command, "--processing-seconds", "8"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "https://sim.example.com/api/v2\n"
            jobs = f"http://127.0.0.1:{port}/api/v2/organizations/{ACME_ID}/usage_export_job"
            with httpx.Client(headers={"Circle-Token": "x"}, timeout=60) as client:
                job = client.post(jobs, json=window).json()["usage_export_job_id"]
                states = [client.get(f"{jobs}/{job}").json() for _ in range(2)]
                done = states[-1]
                while done["state"] == "processing":
                    time.sleep(1)
                    done = client.get(f"{jobs}/{job}").json()
        finally:
            process.kill()
    assert [each["state"] for each in (*states, done)] == ["created", "processing", "completed"]
    assert all(url.startswith("https://sim.example.com/download/") for url in done["download_urls"])


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sim.example.com",
        "ftp://sim.example.com",
        "https://",
        "https://sim.example.com/api/v2",
        "https://[::1",
        "http://u:p@h",
    ],
)
def test_a_public_url_that_is_none_is_one_sentence(call: Caller, url: str) -> None:
    output = call("simulate", "--public-url", url)
    assert (output.code, output.out, output.err) == (
        2,
        "",
        "Error: --public-url is a scheme and a host, such as https://simulator.example.com.\n",
    )


def test_the_instance_settings_in_the_package_are_those_of_the_repository() -> None:
    root = Path(__file__).parents[2]
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in root.glob("dagster.yaml")}
    assert hashes == {hashlib.sha256((root / "circleci_cost" / "cli" / "dagster.yaml").read_bytes()).hexdigest()}


def test_the_instance_is_beside_the_configuration_and_keeps_its_own_settings(
    call: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = read_settings(call.configure(configuration()))
    home = prepare_dagster_home(settings)
    assert home == call.folder / ".dagster_home"
    assert os.environ["DAGSTER_HOME"] == str(home)
    (home / "dagster.yaml").write_text("# mine\n")
    prepare_dagster_home(settings)
    assert (home / "dagster.yaml").read_text() == "# mine\n"
    monkeypatch.setenv("DAGSTER_HOME", "relative")
    with pytest.raises(ConfigurationError, match="is not an absolute path"):
        prepare_dagster_home(settings)
