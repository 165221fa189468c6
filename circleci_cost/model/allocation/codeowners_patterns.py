"""Patterns of CODEOWNERS files as segments, and whether one fits a file, or every file below a folder.

How each platform writes them is `codeowners_github`'s and `codeowners_gitlab`'s; nothing here knows of owners.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, TypeVar

# No path that a file system takes is longer, so no such pattern fits one.
LONGEST_PATTERN = 4096
# Names that no pattern spells out: a pattern that fits them fits any name. Two lengths, since `??` fits one only.
_ANY_NAMES = ("\0", "\1\1")

_Part = TypeVar("_Part")
_Whole = TypeVar("_Whole")


class Wildcard(Enum):
    """What stands for something else; which characters mean it is the platform's to say."""

    FOLDERS = "any number of folders"
    CHARACTERS = "any number of characters of a name"
    CHARACTER = "one character of a name"


@dataclass(frozen=True)
class OneOf:
    """One character of some ranges, or outside of all of them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def fits(self, character: str) -> bool:
        """Whether the character is one of them; of names that stand for any name it never is."""
        if character in "".join(_ANY_NAMES):
            return False
        return any(first <= character <= last for first, last in self.ranges) != self.negated


Token: TypeAlias = str | Wildcard | OneOf
Segment: TypeAlias = Wildcard | str | tuple[Token, ...]
Pattern: TypeAlias = tuple[Segment, ...]

ANY_NAME: Segment = (Wildcard.CHARACTERS,)


def fits_file(pattern: Pattern, path: str) -> bool:
    """Whether a pattern fits a file, by its path from the root of the repository, without a slash at its beginning.

    Takes at most as many steps as the lengths of both multiplied, whatever the pattern holds.
    """
    return _fits(pattern, path.split("/"), Wildcard.FOLDERS, _same_name)


def fits_all_below(pattern: Pattern, folder: str) -> bool:
    """Whether a pattern fits every file of a folder, at any depth and of any name; "" is the whole repository."""
    prefix = f"{folder}/" if folder else ""
    return all(
        fits_file(pattern, f"{prefix}{below}") for name in _ANY_NAMES for below in (name, f"{name}/{name}/{name}")
    )


def fits_some_of(pattern: Pattern, folder: str) -> bool:
    """Whether a pattern fits the folder's own path, or any file directly in it."""
    return fits_file(pattern, folder) or all(fits_file(pattern, f"{folder}/{name}") for name in _ANY_NAMES)


def segment(tokens: Sequence[Token]) -> Segment:
    """A name of a pattern; text where it holds no wildcard."""
    if all(isinstance(token, str) for token in tokens):
        return "".join(map(str, tokens))
    return tuple(tokens)


def _same_name(part: Segment, name: str) -> bool:
    if isinstance(part, tuple):
        return _fits(part, name, Wildcard.CHARACTERS, _same_character)
    return part == name


def _same_character(token: Token, character: str) -> bool:
    if isinstance(token, OneOf):
        return token.fits(character)
    return token is Wildcard.CHARACTER or token == character


def _fits(
    pattern: Sequence[_Part], subject: Sequence[_Whole], many: Wildcard, same: Callable[[_Part, _Whole], bool]
) -> bool:
    """Whether the pattern fits the whole subject, where `many` stands for any number of its elements.

    Only the last `many` is ever tried again: what fits earlier leaves the rest of the pattern the most room.
    """
    at = here = 0
    again: tuple[int, int] | None = None
    while here < len(subject):
        if at < len(pattern) and pattern[at] is many:
            at += 1
            again = (at, here)
        elif at < len(pattern) and same(pattern[at], subject[here]):
            at, here = at + 1, here + 1
        elif again is None:
            return False
        else:
            at, here = again[0], again[1] + 1
            again = (at, here)
    return all(part is many for part in pattern[at:])
