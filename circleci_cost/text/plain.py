"""Text from outside, made fit for eyes: no control character, no override of its direction, nothing invisible.

Who escapes for a markup of its own (a chat's, a page's, a spreadsheet's) does that itself, on top of this; literals of
other languages are `literals`'.
"""

import re
import unicodedata

QUOTABLE_LENGTH = 200
# Control, format (bidirectional overrides, zero-width), unpaired surrogates, line and paragraph separators.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Joins the parts of one emoji.
_JOINER = "\u200d"
_REPLACEMENT = "\ufffd"
# A URL's path and query may be a signature, what is before the @ a password.
_URL = re.compile(r"(?i)\bhttps?://([^\s/?#\"'<>@]*@)?([^\s/?#\"'<>]*)[^\s\"'<>]*")


def is_unsafe(character: str) -> bool:
    """Whether a character hides, turns the direction, or is something that a terminal obeys."""
    return unicodedata.category(character) in _UNSAFE and character != _JOINER


def one_line(text: str) -> str:
    """The text as one line: each character that ends a line, hides, or turns the direction becomes U+FFFD."""
    return _cleaned(text, "")


def plain_lines(text: str) -> str:
    """The text with its line feeds and tabs; what `one_line` replaces else is replaced here, too."""
    return _cleaned(text, "\n\t")


def _cleaned(text: str, kept: str) -> str:
    if text.isprintable():
        return text
    return "".join(_REPLACEMENT if is_unsafe(character) and character not in kept else character for character in text)


def same_name(value: str) -> str:
    """The one form (NFC) of a name that can be written in several: an é may be one character or two."""
    return unicodedata.normalize("NFC", value)


def squeezed(text: str) -> str:
    """The text as one line of words: one space for each control character, and for each run of spaces."""
    words = (" " if unicodedata.category(character)[0] in "CZ" else character for character in text)
    return " ".join("".join(words).split())


def cut(text: str, length: int) -> str:
    """At most `length` characters, an ellipsis at the end of what was longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def quotable(text: str) -> str:
    """Another program's words for a sentence of ours: one line, short, of each URL only the host."""
    return cut(squeezed(_URL.sub(r"a URL at \2", text)), QUOTABLE_LENGTH)
