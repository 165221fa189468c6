"""`commands.md` has a section for every command, which lists exactly the options that the command takes.

That the examples are calls that the program takes is not looked at here.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import circleci_cost
from circleci_cost.cli.main import cli

_GUIDE = Path(circleci_cost.__file__).parent / "docs" / "commands.md"
_ROW = re.compile(r"^\| `(--[a-z-]+)[ `]", re.MULTILINE)
_SECTION = re.compile(r"^##+ (.+?)\n(.*?)(?=^##|\Z)", re.DOTALL | re.MULTILINE)


def _sections() -> dict[str, str]:
    return dict(_SECTION.findall(_GUIDE.read_text("utf-8")))


def _commands(group: click.Group, context: click.Context, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command by the words behind `circleci-cost`, groups included."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        words = f"{path} {name}".strip()
        yield words, command
        if isinstance(command, click.Group):
            yield from _commands(command, click.Context(command, info_name=name, parent=context), words)


def _options(command: click.Command) -> set[str]:
    options = (each for each in command.params if isinstance(each, click.Option))
    return {next(each for each in option.opts if each.startswith("--")) for option in options}


_COMMANDS = dict(_commands(cli, click.Context(cli, info_name="circleci-cost")))


def test_all_commands_were_found() -> None:
    assert {"init", "report", "allocation", "allocation diff", "notify send"} <= set(_COMMANDS)


@pytest.mark.parametrize("words", _COMMANDS)
def test_a_command_has_a_section_with_its_options(words: str) -> None:
    sections = _sections()
    assert words in sections
    assert set(_ROW.findall(sections[words])) == _options(_COMMANDS[words])


def test_the_list_at_the_top_names_every_command() -> None:
    listed = re.findall(r"^\| \[`([a-z]+)`\]", _GUIDE.read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(name for name in _COMMANDS if " " not in name)


def test_the_options_before_the_command_are_listed() -> None:
    assert set(_ROW.findall(_sections()["Before the command"])) == _options(cli)
