"""What goes to the terminal: which characters can, which may, and the consoles for results and for remarks.

Results go to stdout, everything else to stderr. What is written is the commands' business.
"""

import codecs
import sys
import unicodedata
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

# Our own characters where the terminal's encoding has none; names from outside become question marks.
_PLAIN = {
    "·": "|", "–": "-", "—": "-", "…": "...", "→": "->", "×": "x", "█": "#", "▏": "|", "≤": "<=", "✓": "ok", "✗": "x",
}  # fmt: skip
_PIPED_WIDTH = 240
_FALLBACK = "circleci_cost.plain"


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_PLAIN.get(character, "?") for character in text), error.end


def prepare_streams() -> None:
    """Let no character break the output: what an encoding lacks is written in another way."""
    codecs.register_error(_FALLBACK, _plain)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=_FALLBACK)


def say(text: str) -> None:
    """Write a remark or an error to stderr."""
    click.echo(text, err=True)


def shown(text: str) -> str:
    """A name from outside as it may go to a terminal: no control character, no override of the text's direction."""
    if text.isprintable():
        return text
    return "".join(
        "�" if unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} and character != "\u200d" else character
        for character in text
    )


def results() -> "Console":
    """The console for results; into a pipe or a file, lines are as long as they need to be."""
    from rich.console import Console

    piped = not sys.stdout.isatty()
    return Console(file=sys.stdout, width=_PIPED_WIDTH if piped else None, highlight=False, soft_wrap=piped)


def remarks() -> "Console":
    """The console for progress and remarks."""
    from rich.console import Console

    return Console(file=sys.stderr, highlight=False)
