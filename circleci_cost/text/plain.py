"""Text from outside, made safe to show: no control characters, no direction overrides, nothing invisible.

Escaping for a markup (a chat's, a page's, a spreadsheet's) comes on top of this, in the module that writes it;
`literals` writes SQL, TOML and JSON.
"""

import re
import unicodedata

QUOTABLE_LENGTH = 200
# Control, format (bidirectional overrides, zero-width), unpaired surrogates, line and paragraph separators.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# The zero-width joiner between the parts of one emoji.
_JOINER = "\u200d"
_REPLACEMENT = "\ufffd"
# Sorting a run of combining marks takes the square of its length, and no language has more than 30 in a row (UAX #15,
# Stream-Safe Text Format). The first mark is U+0300.
_MAY_BE_MARKS = re.compile(r"[\u0300-\U0010ffff]{31,}+")
MANY_MARKS = r"\p{M}{31}"
# A URL's path and query may be a signature; before the @ there may be a password.
_URL = re.compile(r"(?i)\bhttps?://([^\s/?#\"'<>@]*@)?([^\s/?#\"'<>]*)[^\s\"'<>]*")


def is_unsafe(character: str) -> bool:
    """Whether a character is invisible, changes the direction of text, or controls a terminal."""
    return unicodedata.category(character) in _UNSAFE and character != _JOINER


def one_line(text: str) -> str:
    """The text as one line: line breaks and unsafe characters (`is_unsafe`) become U+FFFD."""
    return _cleaned(text, "")


def plain_lines(text: str) -> str:
    """The text with its line feeds and tabs; all other characters that `one_line` replaces are replaced."""
    return _cleaned(text, "\n\t")


def _cleaned(text: str, kept: str) -> str:
    if text.isprintable():
        return text
    return "".join(_REPLACEMENT if is_unsafe(character) and character not in kept else character for character in text)


def same_name(value: str) -> str:
    """The name in its NFC form: an é may be one character or two, and both are the same name.

    A name with more than 30 combining marks in a row is left as it is; `warehouse/core/macros.sql` does the same.
    """
    if value.isascii() or _has_many_marks(value):
        return value
    return unicodedata.normalize("NFC", value)


def _has_many_marks(text: str) -> bool:
    runs = ("".join(unicodedata.category(each)[0] for each in run.group()) for run in _MAY_BE_MARKS.finditer(text))
    return any("M" * 31 in run for run in runs)


def squeezed(text: str) -> str:
    """The text as one line: each run of spaces and control characters becomes one space."""
    words = (" " if unicodedata.category(character)[0] in "CZ" else character for character in text)
    return " ".join("".join(words).split())


def cut(text: str, length: int) -> str:
    """The text cut to `length` characters, with an ellipsis at the end where it was longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def quoted(value: object, length: int = QUOTABLE_LENGTH) -> str:
    """A value as messages quote it, shortened where it is long."""
    return repr(cut(str(value), length))


def quotable(text: str) -> str:
    """Text of another program for a sentence of ours: one short line, each URL reduced to its host."""
    return cut(squeezed(_URL.sub(r"a URL at \2", text)), QUOTABLE_LENGTH)
