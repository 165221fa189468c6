"""`help`: the guides of the package, listed with a line each, or one of them in the terminal.

The guides are in `circleci_cost/docs`; `guide_drawing` draws them on a terminal.
"""

import re
import sys
from importlib import resources

import click

from circleci_cost.cli.streams import results, write_line
from circleci_cost.errors import UsageError
from circleci_cost.text.suggestions import did_you_mean

_ENDING = ".md"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s")
# The marks that Markdown puts around words; of a link the text stays.
_MARKS = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[`*]")


@click.command("help")
@click.argument("topic", required=False, metavar="[TOPIC]")
@click.pass_context
def show_guide(context: click.Context, topic: str | None) -> None:
    """List the guides, or show one of them.

    Into a pipe or a file a guide is written as Markdown. The options of a command are in its own --help.
    """
    guides = read_guides()
    if topic is None:
        _list(guides)
    elif topic in guides:
        _show(guides[topic])
    else:
        root = context.find_root()
        commands = root.command.list_commands(root) if isinstance(root.command, click.Group) else []
        raise UsageError(_unknown(topic, list(guides), commands))


def read_guides() -> dict[str, str]:
    """The Markdown of each guide by its topic, the name of its file."""
    folder = resources.files("circleci_cost").joinpath("docs")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(_ENDING)), key=lambda file: file.name)
    return {file.name.removesuffix(_ENDING): file.read_text("utf-8") for file in files}


def first_sentence(guide: str) -> str:
    """The first sentence of the first paragraph below the heading, without the marks of Markdown."""
    paragraphs = (" ".join(paragraph.split()) for paragraph in guide.split("\n\n"))
    text = next((paragraph for paragraph in paragraphs if paragraph and not paragraph.startswith(("#", "!["))), "")
    return _MARKS.sub(lambda match: match.group(1) or "", _SENTENCE_END.split(text, maxsplit=1)[0])


def _list(guides: dict[str, str]) -> None:
    from rich.text import Text

    from circleci_cost.cli.tables import Column, fitted

    console = results()
    rows = [[Text(topic), Text(first_sentence(guide))] for topic, guide in guides.items()]
    columns = [Column("topic"), Column("guide", name=True)]
    console.print(fitted(columns, rows, console.width))
    console.print("`circleci-cost help TOPIC` shows one of them.", style="dim")


def _show(guide: str) -> None:
    if not sys.stdout.isatty():
        write_line(guide.rstrip())
        return
    from circleci_cost.cli.guide_drawing import draw

    draw(results(), guide)


def _unknown(topic: str, guides: list[str], commands: list[str]) -> str:
    if topic in commands:
        return f"There is no guide {topic!r}; `circleci-cost {topic} --help` says what the command does."
    hint = did_you_mean(topic, guides) or f"there are: {', '.join(guides)}."
    return f"There is no guide {topic!r}; {hint}"
