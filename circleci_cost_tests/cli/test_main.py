"""The entry: help, errors and exit codes."""

import subprocess
import sys
import time
from pathlib import Path

from circleci_cost.cli.main import COMMANDS, cli
from circleci_cost_tests.cli.harness import Caller, configuration

_HEAVY = ("dagster", "polars", "duckdb", "httpx", "pydantic", "rich", "numpy", "pyarrow")


def test_help_imports_nothing_that_is_slow() -> None:
    code = (
        "import sys\nfrom circleci_cost.cli.main import run\nassert run(['--help']) == 0\n"
        f"print([name for name in {_HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_help_names_every_command_and_the_exit_codes(call: Caller) -> None:
    said = call("--help")
    assert said.code == 0
    lines = said.out.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines if not line.startswith("   ")] == list(COMMANDS)
    assert "5 partial data" in " ".join(said.out.split())


def test_every_command_can_be_loaded_and_has_help(call: Caller) -> None:
    for name in COMMANDS:
        said = call(name, "--help")
        assert (said.code, said.err) == (0, "")
        assert f"circleci-cost {name}" in said.out


def test_the_line_of_help_of_every_command_is_in_the_table() -> None:
    context = cli.make_context("circleci-cost", ["report"])
    assert cli.list_commands(context) == list(COMMANDS)


def test_an_unknown_command_is_answered_with_the_nearest(call: Caller) -> None:
    said = call("raport")
    assert (said.code, said.out) == (2, "")
    assert said.err == "Error: There is no command 'raport'; did you mean 'report'?\nTry `circleci-cost --help`.\n"


def test_a_wrong_option_is_a_usage_error(call: Caller) -> None:
    said = call("report", "--from", "1.2.2026")
    assert said.code == 2
    assert "'1.2.2026' is no day; write it as YYYY-MM-DD" in said.err


def test_each_mistake_of_the_configuration_is_a_line_and_the_exit_code_is_3(call: Caller) -> None:
    call.configure(configuration().replace("0.0006", "0.6").replace("history_start", "history_begin"))
    said = call("report")
    assert said.code == 3
    lines = said.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("Error: ") for line in lines)


def test_a_configuration_that_is_not_there_is_named(call: Caller, tmp_path: Path) -> None:
    said = call("--config", tmp_path / "missing.toml", "report")
    assert said.code == 3
    assert "missing.toml is not there" in said.err


def test_the_demo_settings_are_announced(call: Caller) -> None:
    said = call("report")
    assert said.code == 1
    assert said.err.splitlines()[0] == "No circleci_cost.toml here: using the built-in demo (simulated data)"
    assert "Nothing is published in" in said.err


def test_a_reader_that_goes_away_is_no_error(northwind: Path) -> None:
    command = f"{sys.executable} -m circleci_cost.cli report --json | true"
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        ["/bin/bash", "-o", "pipefail", "-c", command], cwd=northwind, env=environment, capture_output=True, check=False
    )
    assert done.stderr == b""


def test_a_locale_without_utf_8_and_a_narrow_terminal_break_nothing(northwind: Path) -> None:
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "PYTHONIOENCODING": "ascii",
        "PYTHONUTF8": "0",
        "COLUMNS": "20",
        "LC_ALL": "C",
    }
    done = subprocess.run(
        [sys.executable, "-m", "circleci_cost.cli", "report"],
        cwd=northwind,
        env=environment,
        capture_output=True,
        check=True,
    )
    assert done.stdout.isascii()
    assert b"841 jobs | 685 runs | 327,555 credits | $196.533000" in done.stdout


def test_help_is_quick() -> None:
    times = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "circleci_cost.cli", "--help"], capture_output=True, check=True)
        times.append(time.monotonic() - began)
    # 0.2 s on a quiet machine; the limit leaves room for a busy one.
    assert min(times) < 0.6
