"""Cuts texts to the length that a channel accepts, without splitting an escape sequence, and says how much is left out.

`text.plain` makes names harmless; each renderer escapes the markup of its channel.
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
    """As many lines as fit into `length` characters with their line breaks; then how many are left out."""
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
    """The line that stands for lines left out."""
    return f"… and {count:,} more"
