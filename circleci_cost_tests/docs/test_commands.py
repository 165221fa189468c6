"""Every command line in the documents is one that the program takes: its commands, options and choices are known."""

import re
import shlex
from collections.abc import Iterator

import click
import pytest

from circleci_cost.cli.main import cli
from circleci_cost_tests.docs.documents import GUIDES, Document, documents

_PROGRAM = "circleci-cost"
_SHELL = {"sh", "bash", "console", "shell"}
# What ends a command of a shell.
_ENDS = re.compile(r"[;&|()<>]+")
# Something to fill in, such as NAME or FILE….
_PLACEHOLDER = re.compile(r"\[?-*[A-Z][A-Z_]*…?\]?")


def command_lines(document: Document) -> Iterator[tuple[str, list[str]]]:
    """Where a call of the program is, and its arguments."""
    for fence in document.fences:
        if fence.language not in _SHELL:
            continue
        code = re.sub(r"\$\([^)]*\)", "VALUE", fence.code.replace("\\\n", " "))
        for line in code.splitlines():
            yield from ((f"{document.name}, line {fence.line}: {line}", each) for each in _calls(line))


def _calls(line: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    call: list[str] | None = None
    for token in lexer:
        if _ENDS.fullmatch(token):
            if call is not None:
                yield call
            call = None
        elif call is not None:
            call.append(token)
        elif token.rpartition("/")[2] == _PROGRAM:
            call = []
    if call is not None:
        yield call


def mistakes(arguments: list[str]) -> list[str]:
    """What of a call the program does not know."""
    context = click.Context(cli, info_name=_PROGRAM)
    command: click.Command = cli
    positions = 0
    wrong = []
    rest = iter(arguments)
    for token in rest:
        if token.startswith("-") and token != "-":
            name, has_value, value = token.partition("=")
            option = next(
                (each for each in command.get_params(context) if name in each.opts + each.secondary_opts), None
            )
            if option is None:
                wrong.append(f"{name} is no option of {command.name}")
            elif isinstance(option, click.Option) and not option.is_flag and not option.count:
                wrong += _no_choice(option, value if has_value else next(rest, ""))
        elif _PLACEHOLDER.fullmatch(token) and isinstance(command, click.Group):
            break
        elif isinstance(command, click.Group):
            found = command.get_command(context, token)
            if found is None:
                return [*wrong, f"{token} is no command of {command.name}"]
            command = found
            context = click.Context(command, info_name=token, parent=context)
        else:
            positions += 1
            wrong += _no_position(command, context, positions, token)
    return wrong


def _no_choice(parameter: click.Parameter, value: str) -> list[str]:
    if not isinstance(parameter.type, click.Choice) or _PLACEHOLDER.fullmatch(value):
        return []
    return [] if value in parameter.type.choices else [f"{value} is no value of {parameter.name}"]


def _no_position(command: click.Command, context: click.Context, position: int, token: str) -> list[str]:
    places = [each for each in command.get_params(context) if isinstance(each, click.Argument)]
    if not places or (position > len(places) and places[-1].nargs != -1):
        return [f"{command.name} takes no argument {token}"]
    return _no_choice(places[min(position, len(places)) - 1], token)


@pytest.mark.parametrize("document", documents(), ids=lambda each: each.name)
def test_every_command_line_is_known_to_the_program(document: Document) -> None:
    wrong = {where: found for where, call in command_lines(document) if (found := mistakes(call))}
    assert wrong == {}


def test_the_guides_show_commands() -> None:
    assert sum(1 for path in GUIDES.glob("*.md") for _ in command_lines(Document(path))) >= 20


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("circleci-cost report --by team", []),
        (". .venv/bin/activate && .venv/bin/circleci-cost --demo report --by=team | head", []),
        ("TOKEN=x circleci-cost export csv --out tables  # --no-option", []),
        ("circleci-cost --demo COMMAND", []),
        ("circleci-cost import FILE… --cost-center NAME", []),
        ("circleci-cost raport", ["raport is no command of cli"]),
        ("circleci-cost allocation aply", ["aply is no command of allocation"]),
        (
            "circleci-cost budgets --fail-at at_risk",
            ["--fail-at is no option of budgets", "budgets takes no argument at_risk"],
        ),
        ("circleci-cost budgets --fail-over risky", ["risky is no value of fail_over"]),
        ("circleci-cost export json --out tables", ["json is no command of export"]),
        ("circleci-cost sync now", ["sync takes no argument now"]),
    ],
)
def test_a_command_line_that_the_program_refuses_is_found(line: str, wrong: list[str]) -> None:
    assert [each for call in _calls(line) for each in mistakes(call)] == wrong
