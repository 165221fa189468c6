"""The only way to the terminal: keeps out unsafe and unencodable characters, and has the consoles for output.

Results go to stdout, everything else to stderr. The commands decide what to write.
"""

import codecs
import os
import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import click

from circleci_cost.cli.called_as import as_called
from circleci_cost.text.literals import json_text
from circleci_cost.text.plain import one_line, plain_lines
from circleci_cost.text.secrets import without_secrets

if TYPE_CHECKING:
    from circleci_cost.cli.plain_console import PlainConsole

# Our own characters where the terminal's encoding has none; names from outside become question marks.
_PLAIN = {
    "·": "|", "–": "-", "—": "-", "−": "-", "…": "...", "→": "->", "×": "x", "█": "#", "▏": "|", "≤": "<=", "✓": "ok",
    "✗": "x",
}  # fmt: skip
_PIPED_WIDTH = 2000
_FALLBACK = "circleci_cost.plain"


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in text), error.end


def prepare_streams() -> None:
    """Keep the output working: with characters that the encoding lacks, and with streams closed before we began."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            # Opened in this order each stream gets its own number, which a database file would get otherwise.
            opened = Path(os.devnull).open("w" if number else "r", encoding="utf-8")  # noqa: SIM115 - kept to the end
            os.set_inheritable(opened.fileno(), True)
            setattr(sys, name, opened)
    codecs.register_error(_FALLBACK, _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_FALLBACK)


def say(text: str) -> None:
    """Write a remark or an error to stderr."""
    click.echo(plain_lines(as_called(text)), err=True)


def say_bug(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Write the traceback of a bug as Python does, but safely: its message may quote a file."""
    say(without_secrets("".join(traceback.format_exception(kind, error, trace)).rstrip()))


def write_line(text: str) -> None:
    """Write a result to stdout."""
    click.echo(plain_lines(as_called(text)))


def write_json(content: object) -> None:
    """Write a result as JSON, exact, UTF-8 whatever the locale."""
    click.echo(f"{json_text(content)}\n".encode(), nl=False)


def write_exactly(text: str) -> None:
    """Write a result for programs, UTF-8 whatever the locale: exactly, unless it goes to a terminal."""
    click.echo((plain_lines(text) if sys.stdout.isatty() else text).encode(), nl=False)


def shown(text: str) -> str:
    """A name from outside as one line that stays in its place, such as a cell of a table."""
    return one_line(text)


def results() -> "PlainConsole":
    """The console for results; into a pipe or a file, lines are as long as they need to be."""
    from circleci_cost.cli.plain_console import PlainConsole

    piped = not sys.stdout.isatty()
    width = _PIPED_WIDTH if piped else None
    return PlainConsole(file=sys.stdout, width=width, highlight=False, soft_wrap=piped, markup=False, emoji=False)


def remarks() -> "PlainConsole":
    """The console for progress and remarks."""
    from circleci_cost.cli.plain_console import PlainConsole

    return PlainConsole(file=sys.stderr, highlight=False, markup=False, emoji=False)
