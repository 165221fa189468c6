"""What reaches the terminal: no name, header or error obeys it, whichever way it goes; JSON stays exact."""

import json
import os
import pty
import subprocess
import sys
import unicodedata
from datetime import date
from pathlib import Path

import pytest

from circleci_cost.cli.streams import say, say_bug, write_json, write_line
from circleci_cost.errors import ConfigurationError
from circleci_cost.text.literals import toml_string
from circleci_cost.text.plain import one_line
from circleci_cost_tests.cli.harness import DATA, NORTHWIND, Caller, configuration, publish_rows

OBEYED = "\x1b]0;pwned\x07\x1b[31m\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\\x9b2J\x08\r\x7f\u202e\u2066\u200b\ufeff\u2028"
TOKEN = "0123456789abcdef0123456789abcdef01234567"


def obeyed(text: str) -> list[str]:
    """The characters that a terminal would obey or hide."""
    unsafe = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return [each for each in text if each not in "\n\t\u200d" and unicodedata.category(each) in unsafe]


@pytest.mark.parametrize(
    ("case", "exit_code", "output"),
    [
        ("badheader", 1, "badheader.csv.gz, line 1: the header names \ufffd[31MX twice"),
        ("orgname", 3, "(\ufffd]0;pwned\ufffd\ufffd[31mEVIL\ufffd[2J, 1 job); nothing of this export was used"),
    ],
)
def test_an_error_that_quotes_a_file_moves_no_cursor(call: Caller, case: str, exit_code: int, output: str) -> None:
    call.configure(NORTHWIND.read_text())
    answer = call("import", DATA / f"{case}.csv.gz", "--cost-center", "northwind")
    assert answer.code == exit_code
    assert output in answer.err
    assert obeyed(answer.err + answer.out) == []


def test_an_argument_is_repeated_without_what_a_terminal_obeys(call: Caller) -> None:
    call.configure(configuration())
    publish_rows(call.folder / "data", [{"date": date(2026, 1, 1)}])
    lone = os.fsdecode(b"\xff")
    for arguments in (
        ["report", "--by", OBEYED],
        ["report", "--where", f"project={OBEYED}{lone}"],
        ["report", "--from", OBEYED],
        ["report", "--sort", OBEYED],
        ["report", OBEYED],
        [OBEYED],
        ["sync", "--cost-center", OBEYED],
        ["import", OBEYED, "--cost-center", "acme"],
        ["--config", OBEYED, "report"],
        ["allocation", "explain", "--tag", OBEYED],
        ["export", "csv", "--out", "out", "--table", OBEYED],
    ):
        output = call(*arguments)
        assert output.code in {2, 3}
        assert output.err
        assert obeyed(output.err + output.out) == []


def test_tables_show_names_that_obey_nothing_and_no_markup(call: Caller) -> None:
    call.configure(configuration())
    rows = [{"date": date(2026, 1, 1), "project": f"[red]{OBEYED}", "job": "[link=https://evil.example]x[/link]"}]
    publish_rows(call.folder / "data", rows)
    out = call("report", "--by", "project,job").out
    assert "[red]" in out
    assert "[link=https://evil.example]x[/link]" in out
    assert obeyed(out) == []


def test_json_is_exact_and_obeyed_by_no_terminal(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    content = {OBEYED: [OBEYED, "\ud800", "\U000e0041", "\x00", "é 日本語 \U0001f469\u200d\U0001f4bb", {"n": "1.50"}]}
    write_json(content)
    out = capfdbinary.readouterr().out.decode()
    assert json.loads(out) == content
    assert obeyed(out) == []
    assert "é 日本語" in out


def test_a_toml_string_is_exact_too() -> None:
    import tomllib

    text = f'{OBEYED}\U000e0041"\\é'
    assert obeyed(toml_string(text)) == []
    assert tomllib.loads(f"key = {toml_string(text)}") == {"key": text}


def test_every_way_out_replaces_what_a_terminal_obeys(capfd: pytest.CaptureFixture[str]) -> None:
    write_line(f"a\tb\n{OBEYED}")
    say(OBEYED)
    try:
        raise LookupError(f"{OBEYED} {TOKEN}")
    except LookupError as error:
        say_bug(type(error), error, error.__traceback__)
    out, err = capfd.readouterr()
    assert out == f"a\tb\n{one_line(OBEYED)}\n"
    assert "Traceback (most recent call last)" in err
    assert f"LookupError: {one_line(OBEYED)} (hidden)" in err
    assert obeyed(out + err) == []


def test_an_error_is_harmless_wherever_it_goes() -> None:
    assert str(ConfigurationError(f"first\n{OBEYED} and {TOKEN}")) == f"first\n{one_line(OBEYED)} and (hidden)"


def test_csv_is_exact_in_a_pipe_and_harmless_on_a_terminal(call: Caller) -> None:
    path = call.configure(configuration())
    publish_rows(call.folder / "data", [{"date": date(2026, 1, 1), "project": OBEYED}])
    assert OBEYED in call("report", "--by", "project", "--csv").out
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "circleci_cost.cli", "--config", str(path), "report", "--by", "project", "--csv"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(command, stdout=theirs, env=environment, check=True)
    os.close(theirs)
    shown = os.read(ours, 10_000).decode().replace("\r\n", "\n")
    os.close(ours)
    assert shown.splitlines()[0] == "project,cost,credits,runs,run_seconds"
    assert obeyed(shown) == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_are_closed_are_no_traceback(tmp_path: Path, closed: str) -> None:
    command = f"{sys.executable} -m circleci_cost.cli check --offline {closed}"
    (tmp_path / "circleci_cost.toml").write_text(configuration())
    process = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, check=False)
    assert process.returncode == 0
    assert b"Traceback" not in process.stdout + process.stderr
