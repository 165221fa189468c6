"""A guide's Markdown on a terminal: headings, tables and code as the other commands draw them, links as topics.

`guides` lists and reads them.
"""

import re
from typing import ClassVar

from rich.console import Console, ConsoleOptions, RenderResult  # noqa: TID251 - the type that rich hands over
from rich.markdown import CodeBlock, Heading, Markdown, TableElement
from rich.text import Text
from rich.theme import Theme

from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.cli.tables import Column, fitted

# Longer lines are hard to read.
_WIDEST = 100
_FENCE = re.compile(r"^```.*?^```[ \t]*$", re.MULTILINE | re.DOTALL)
_IMAGE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\n+", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
_GUIDE = re.compile(r"([a-z_-]+)\.md(#.*)?")
_THEME = Theme(
    {
        "markdown.h1": "bold",
        "markdown.h2": "bold",
        "markdown.h3": "bold",
        "markdown.code": "cyan",
        "markdown.code_block": "cyan",
        "markdown.list": "none",
    }
)


class _Heading(Heading):
    """A heading, aligned with the text."""

    LEVEL_ALIGN: ClassVar = dict.fromkeys(Heading.LEVEL_ALIGN, "left")


class _Code(CodeBlock):
    """Code unchanged, in the full width and the colour of code."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(str(self.text).rstrip("\n"), style=self.style_name, overflow="fold")


class _Table(TableElement):
    """A table, drawn as the commands draw their own."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        heads = self.header.row.cells if self.header and self.header.row else []
        rows = [[cell.content for cell in row.cells] for row in self.body.rows] if self.body else []
        columns = [Column(head.content.plain, name=True) for head in heads]
        yield fitted(columns, rows, options.max_width)


class _Guide(Markdown):
    elements: ClassVar = Markdown.elements | {
        "heading_open": _Heading,
        "fence": _Code,
        "code_block": _Code,
        "table_open": _Table,
    }


def draw(console: PlainConsole, guide: str) -> None:
    """Write a guide to a terminal."""
    with console.use_theme(_THEME):
        console.print(_Guide(_for_reading(guide), hyperlinks=False), width=min(console.width, _WIDEST))


def _for_reading(guide: str) -> str:
    """The guide without pictures, its links as text to type; code stays as it is."""
    parts: list[str] = []
    end = 0
    for fence in _FENCE.finditer(guide):
        parts += [_without_links(guide[end : fence.start()]), fence.group()]
        end = fence.end()
    return "".join([*parts, _without_links(guide[end:])])


def _without_links(text: str) -> str:
    return _LINK.sub(_as_topic, _IMAGE.sub("", text))


def _as_topic(link: re.Match[str]) -> str:
    text, target = link.groups()
    if guide := _GUIDE.fullmatch(target):
        return f"{text} (`circleci-cost help {guide.group(1)}`)"
    return text if target.startswith("#") else f"{text} ({target})"
