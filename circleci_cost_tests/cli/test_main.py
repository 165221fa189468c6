"""The entry: help, errors and exit codes."""

import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from circleci_cost.cli.main import COMMANDS, cli
from circleci_cost.config.demo import remember_anchor
from circleci_cost.lake.layout import open_lake
from circleci_cost.text.commands import WITHOUT_DEMO_UNASKED
from circleci_cost.warehouse.publishing.generations import current_generation, point_to
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows

_HEAVY = ("dagster", "polars", "duckdb", "httpx", "pydantic", "rich", "numpy", "pyarrow", "pyspark", "grpc")


def test_help_imports_nothing_that_is_slow() -> None:
    code = (
        "import sys\nfrom circleci_cost.cli.main import run\nassert run(['--help']) == 0\n"
        f"print([name for name in {_HEAVY!r} if name in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command_and_the_exit_codes(call: Caller) -> None:
    output = call("--help")
    assert output.code == 0
    lines = output.out.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines if not line.startswith("   ")] == list(COMMANDS)
    assert "5 partial data" in " ".join(output.out.split())


def test_every_command_can_be_loaded_and_has_help(call: Caller) -> None:
    for name in COMMANDS:
        output = call(name, "--help")
        assert (output.code, output.err) == (0, "")
        assert f"circleci-cost {name}" in output.out


def test_the_line_of_help_of_every_command_is_in_the_table() -> None:
    context = cli.make_context("circleci-cost", ["report"])
    assert cli.list_commands(context) == list(COMMANDS)


def test_an_unknown_command_is_answered_with_the_nearest(call: Caller) -> None:
    output = call("raport")
    assert (output.code, output.out) == (2, "")
    assert output.err == "Error: There is no command 'raport'; did you mean 'report'?\nTry `circleci-cost --help`.\n"


def test_a_wrong_option_is_a_usage_error(call: Caller) -> None:
    output = call("report", "--from", "1.2.2026")
    assert output.code == 2
    assert "'1.2.2026' is no day; write it as YYYY-MM-DD" in output.err


def test_each_mistake_of_the_configuration_is_a_line_and_the_exit_code_is_3(call: Caller) -> None:
    call.configure(configuration().replace("0.0006", "0.6").replace("history_start", "history_begin"))
    output = call("report")
    assert output.code == 3
    lines = output.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("Error: ") for line in lines)


def test_a_configuration_that_is_not_there_is_named(call: Caller, tmp_path: Path) -> None:
    output = call("--config", tmp_path / "missing.toml", "report")
    assert output.code == 3
    assert "missing.toml is not there" in output.err


@pytest.mark.parametrize(
    "command",
    [
        ["sync"], ["backfill"], ["reprice"], ["import", "part.csv", "--cost-center", "acme"], ["check"],
        ["check", "--json"], ["allocation", "apply"], ["notify", "test"], ["notify", "send"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_without_a_configuration_nothing_is_simulated_unasked(call: Caller, command: list[str]) -> None:
    # Not even where a demo was run.
    (call.folder / "demo-data").mkdir()
    remember_anchor(call.folder / "demo-data", date(2026, 11, 28))
    output = call(*command)
    assert (output.code, output.out) == (3, "")
    called = " ".join(each for each in command[:2] if command[0] in {"allocation", "notify"} or each == command[0])
    assert called.removesuffix(" test").removesuffix(" send") in WITHOUT_DEMO_UNASKED
    assert output.err == (
        f"Error: There is no configuration: no circleci_cost.toml in {call.folder}, and neither --config nor "
        "CIRCLECI_COST_CONFIG names one. Run `circleci-cost init` to write one, or "
        f"`circleci-cost --demo {called}` for the demo that was run here.\n"
    )


def test_sentences_in_the_demo_name_commands_as_they_have_to_be_called_there(call: Caller) -> None:
    publish_rows(call.folder / "demo-data", [{"date": date(2026, 11, 28), "compute": 100}])
    remember_anchor(call.folder / "demo-data", date(2026, 11, 28))
    lake = open_lake(call.folder / "demo-data")
    manifest = current_generation(lake).manifest
    rows = {name: count for name, count in manifest.rows.items() if name != "waste"}
    point_to(lake, manifest.model_copy(update={"rows": rows}))
    refused = call("waste").err.splitlines()[-1]
    assert refused.startswith("Error: No waste is published yet; run `circleci-cost --demo allocation apply`, which")
    # Those that only read find the demo by themselves, but not beside a configuration.
    unknown = "`circleci-cost{} report --by project` lists the projects."
    assert call("classes", "--project", "web-shop-2").err.endswith(unknown.format("") + "\n")
    assert call("--demo", "classes", "--project", "web-shop-2").err.endswith(unknown.format(" --demo") + "\n")


@pytest.mark.parametrize("command", ["report", "budgets", "anomalies", "explain", "correlate"])
def test_reading_without_a_configuration_and_without_a_demo_is_refused(call: Caller, command: str) -> None:
    output = call(command)
    assert (output.code, output.out) == (3, "")
    assert output.err.startswith("Error: There is no configuration")
    assert list(call.folder.iterdir()) == []


def test_the_demo_is_simulated_where_it_is_asked_for(call: Caller) -> None:
    output = call("--demo", "check", "--offline")
    assert output.err == "--demo: using the built-in demo (simulated data)\n"
    assert "the built-in demo: cost centers acme, globex" in output.out
    output = call("--demo", "--config", "circleci_cost.toml", "check")
    assert (output.code, output.err.splitlines()[0]) == (
        2, "Error: --demo and --config exclude each other; leave one of them out.",
    )  # fmt: skip


def test_the_demo_settings_are_announced(call: Caller) -> None:
    (call.folder / "demo-data").mkdir()
    remember_anchor(call.folder / "demo-data", date(2026, 11, 28))
    output = call("report")
    assert output.code == 1
    assert output.err.splitlines()[0] == "No circleci_cost.toml here: using the built-in demo (simulated data)"
    assert "Nothing is published in" in output.err


def test_a_reader_that_goes_away_is_no_error(northwind: Path) -> None:
    command = f"{sys.executable} -m circleci_cost.cli report --json | true"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command], cwd=northwind, env=environment, capture_output=True, check=False
    )
    assert process.stderr == b""


def test_a_locale_without_utf_8_and_a_narrow_terminal_break_nothing(northwind: Path) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
        "COLUMNS": "20",
        "LC_ALL": "C",
    }
    process = subprocess.run(
        [sys.executable, "-m", "circleci_cost.cli", "report"],
        cwd=northwind,
        env=environment,
        capture_output=True,
        check=True,
    )
    assert process.stdout.isascii()
    assert b"841 jobs | 685 runs | 327,555 credits | $196.533000" in process.stdout


def test_help_is_quick() -> None:
    before = os.times()
    subprocess.run([sys.executable, "-m", "circleci_cost.cli", "--help"], capture_output=True, check=True)
    after = os.times()
    taken = after.children_user + after.children_system - before.children_user - before.children_system
    # Of the processor, which other processes take nothing from: 0.2 s. To import Dagster takes 2 s.
    assert taken < 0.8
