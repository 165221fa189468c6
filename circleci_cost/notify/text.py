"""Cuts texts to what a channel takes: no escape sequence in two, and a word on what was left out.

That names are harmless, and one text short, is `text.plain`'s; what is special to one channel's markup its renderer
escapes.
"""

from collections.abc import Callable, Sequence


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
