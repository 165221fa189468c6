"""Makes names from outside fit for any channel: one line, no control character, no override of its direction.

What is special to one channel's markup is escaped by that channel's renderer.
"""

import unicodedata
from collections.abc import Callable, Sequence

# Control, format (bidirectional overrides, zero-width), unpaired surrogates, line and paragraph separators.
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
# Joins the parts of one emoji.
_JOINER = "\u200d"
_REPLACEMENT = "\ufffd"


def one_line(text: str) -> str:
    """The text as one line: each character that ends a line, hides, or turns the direction becomes U+FFFD."""
    if text.isprintable():
        return text
    return "".join(
        _REPLACEMENT if unicodedata.category(character) in _UNSAFE and character != _JOINER else character
        for character in text
    )


def cut(text: str, length: int) -> str:
    """At most `length` characters, an ellipsis at the end of what was longer."""
    return text if len(text) <= length else text[: length - 1] + "…"


def escaped_and_cut(text: str, escape: Callable[[str], str], length: int) -> str:
    """The escaped text, at most `length` characters long, no escape sequence cut in two."""
    whole = escape(text)
    if len(whole) <= length:
        return whole
    kept = ""
    for character in text:
        piece = escape(character)
        if len(kept) + len(piece) > length - 1:
            break
        kept += piece
    return kept + "…"


def fitting(lines: Sequence[str], length: int) -> list[str]:
    """As many lines as fit into `length` characters with their line breaks; then how many more there are."""
    total = sum(len(line) + 1 for line in lines)
    if total <= length:
        return list(lines)
    kept: list[str] = []
    left = length - len(more(len(lines))) - 1
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    return [*kept, more(len(lines) - len(kept))]


def more(count: int) -> str:
    """What stands for lines that were left out."""
    return f"… and {count:,} more"
