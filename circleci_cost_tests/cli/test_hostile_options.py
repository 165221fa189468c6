"""Whatever an option is given, the answer is a result or a sentence: no traceback, no escape sequence, no secret."""

import itertools
import os
from collections.abc import Iterator
from datetime import date

import click
import pytest

from circleci_cost.cli.main import COMMANDS, cli
from circleci_cost_tests.cli.harness import Caller, configuration, publish_rows
from circleci_cost_tests.cli.test_terminal import OBEYED, TOKEN, obeyed

_LONG = os.environ.get("CIRCLECI_COST_LONG") == "1"
_DAYS = (
    "0001-01-01",
    "9999-12-31",
    "2026-02-30",
    "20260101",
    "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0661",
    "-001-01-01",
    "",
)
_NUMBERS = ("0", "-1", "9" * 5000, "1e1000000000", "nan", "inf", "", "\u0663")
_TEXTS = (
    TOKEN,
    OBEYED,
    "",
    "=",
    "x" * 100_000,
    f"project={TOKEN}",
    "project=e\u0301",
    "../../x",
    "~nobody-of-this-name/x",
)
_FIXED = {
    "export csv": ["--out", "out", "--force"],
    "export parquet": ["--out", "out", "--force"],
    "export focus": ["--out", "out.csv", "--force"],
    "explain": ["--from", "2026-01-02", "--to", "2026-01-02"],
    "init": ["--non-interactive", "--organization-id", "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04", "--force"],
    "import": ["missing.csv.gz", "--cost-center", "acme"],
    # No machine has this address (RFC 5737), so that nothing is served until it is stopped.
    "serve": ["--host", "192.0.2.1", "--no-login"],
}


def commands() -> Iterator[tuple[str, click.Command]]:
    context = cli.make_context("circleci-cost", ["report"])
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        if name == "simulate":
            continue  # it serves until it is stopped
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", each) for inner, each in command.commands.items())
        else:
            yield name, command


def hostile(parameter: click.Parameter) -> tuple[str, ...]:
    kind = parameter.type.name
    if kind == "day":
        return _DAYS
    if "integer" in kind or "float" in kind or kind == "price":
        return _NUMBERS
    # A path may be called anything; where it is, is said.
    return tuple(text for text in _TEXTS if TOKEN not in text) if kind in {"file", "directory", "path"} else _TEXTS


def calls() -> Iterator[list[str]]:
    """Each command with each option and each hostile value; days also in pairs."""
    for name, command in commands():
        begin = [*name.split(), *_FIXED.get(name, [])]
        options = [each for each in command.params if isinstance(each, click.Option) and not each.is_flag]
        for option in options:
            yield from ([*begin, option.opts[0], value] for value in hostile(option))
        if {"--from", "--to"} <= {option.opts[0] for option in options}:
            pairs = itertools.product(_DAYS[:2], _DAYS[:2])
            more = [[], ["--granularity", "week"], ["--granularity", "month"]] if name == "report" else [[]]
            yield from ([*begin, "--from", first, "--to", last, *each] for first, last in pairs for each in more)


ALL = list(calls())


@pytest.fixture
def published(call: Caller) -> Caller:
    call.configure(configuration())
    rows = [{"date": date(2026, 1, day), "project": f"p{day}", "compute": "10"} for day in (1, 2, 3)]
    publish_rows(call.folder / "data", rows)
    return call


def test_any_option_of_any_command_takes_anything(published: Caller) -> None:
    """One call in seven, and all days of those that take days; with CIRCLECI_COST_LONG=1 all calls."""
    for number, arguments in enumerate(ALL):
        if not (_LONG or number % 7 == 0 or (arguments[0] == "explain" and arguments[-1] in _DAYS)):
            continue
        output = published(*arguments)
        shown = [each[:40] for each in arguments]
        assert output.code in {0, 1, 2, 3, 4, 5}, shown
        assert obeyed(output.out + output.err) == [], shown
        assert TOKEN not in output.out + output.err, shown
        assert "Traceback" not in output.err, shown
        assert output.code == 0 or output.err, shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["init", "--force", "--path", ""], "is a folder; name the file to write with --path."),
        (
            ["init", "--price", "1e1000000000"],
            "is no price; write USD per credit, such as 0.0006, or 0",
        ),
        (["explain", "--from", "0001-01-01", "--to", "0001-01-02"], "No cost is possible on all of 0001-01-01 to"),
        (["explain", "--to", "0001-01-01"], "No cost is possible on all of 0001-01-01; name days from"),
        (["explain", "--from", "2026-01-01", "--to", "9999-12-31"], "No cost is possible on all of 2026-01-01 to"),
        (["explain", "--against", "0001-01-01:9999-12-31"], "No cost is possible on all of 0001-01-01 to"),
    ],
)
def test_what_no_path_price_or_day_can_be_is_said(published: Caller, arguments: list[str], message: str) -> None:
    output = published(*arguments)
    assert (output.code, output.out) == (2, "")
    assert message in output.err


@pytest.mark.parametrize("content", [b"TOKEN=\xff", b"TOKEN=a\0b", b"TOKEN=" + b"x" * (3 << 20)])
def test_an_env_file_that_cannot_be_read_is_a_sentence_without_its_content(call: Caller, content: bytes) -> None:
    call.configure(configuration())
    (call.folder / ".env").write_bytes(content)
    output = call("check", "--offline")
    assert (output.code, output.out) == (3, "")
    assert output.err.startswith(f"Error: {call.folder / '.env'} ")
    assert "TOKEN" not in output.err


@pytest.mark.parametrize("arguments", [["init", "--path"], ["export", "csv", "--out"]], ids=" ".join)
def test_a_path_that_is_longer_than_the_file_system_allows_is_said(published: Caller, arguments: list[str]) -> None:
    output = published(*arguments, "x" * 300)
    assert (output.code, output.out) == (1, "")
    assert "File name too long; what was there before is untouched. Shorten that path" in output.err


def test_a_configuration_that_is_a_folder_or_leads_in_a_circle_is_named(call: Caller) -> None:
    (call.folder / "circle").symlink_to("circle")
    for path in (call.folder, call.folder / "circle", call.folder / ("x" * 300)):
        output = call("--config", path, "report")
        assert (output.code, output.out) == (3, "")
        assert f"{path}" in output.err
        assert output.err.count("\n") == 1


def test_a_price_until_the_last_day_of_all_leaves_no_gap(call: Caller) -> None:
    text = configuration().replace("2020-01-01", "0001-01-01") + "effective_until = 9999-12-31\n"
    call.configure(text)
    output = call("check", "--offline")
    assert output.code == 0
    assert "gap" not in output.out
