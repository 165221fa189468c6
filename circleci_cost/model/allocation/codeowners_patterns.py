"""Patterns of CODEOWNERS files as segments, and whether one fits a file, or every file below a folder.

Parsing each platform's syntax is the job of `codeowners_github` and `codeowners_gitlab`; owners are not known here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias, TypeVar

# No file system takes a longer path, so a longer pattern fits none.
LONGEST_PATTERN = 4096
# Names that no pattern spells out: a pattern that fits both fits any name. Two lengths, since `??` fits only one.
_ANY_NAMES = ("\0", "\1\1")

_Part = TypeVar("_Part")
_Whole = TypeVar("_Whole")


class Wildcard(Enum):
    """A wildcard; which characters stand for it depends on the platform."""

    FOLDERS = "any number of folders"
    CHARACTERS = "any number of characters of a name"
    CHARACTER = "one character of a name"


@dataclass(frozen=True)
class OneOf:
    """One character of some ranges, or outside of all of them."""

    ranges: tuple[tuple[str, str], ...]
    negated: bool = False

    def fits(self, character: str) -> bool:
        """Whether the character is one of them; a character of the names that stand for any name never is."""
        if character in "".join(_ANY_NAMES):
            return False
        return any(first <= character <= last for first, last in self.ranges) != self.negated


Token: TypeAlias = str | Wildcard | OneOf
Segment: TypeAlias = Wildcard | str | tuple[Token, ...]
Pattern: TypeAlias = tuple[Segment, ...]

ANY_NAME: Segment = (Wildcard.CHARACTERS,)


def fits_file(pattern: Pattern, path: str) -> bool:
    """Whether a pattern fits a file, given by its path from the root of the repository without a leading slash.

    Takes at most as many steps as the product of both lengths, for any pattern.
    """
    return _fits(pattern, path.split("/"), Wildcard.FOLDERS, _same_name)


def fits_all_below(pattern: Pattern, folder: str) -> bool:
    """Whether a pattern fits every file of a folder, at any depth and with any name; "" is the whole repository."""
    prefix = f"{folder}/" if folder else ""
    return all(
        fits_file(pattern, f"{prefix}{below}") for name in _ANY_NAMES for below in (name, f"{name}/{name}/{name}")
    )


def fits_some_of(pattern: Pattern, folder: str) -> bool:
    """Whether a pattern fits the folder's own path, or any file directly in it."""
    return fits_file(pattern, folder) or all(fits_file(pattern, f"{folder}/{name}") for name in _ANY_NAMES)


def segment(tokens: Sequence[Token]) -> Segment:
    """Make a segment from the tokens of one name; it is text where it has no wildcard."""
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

    Only the last `many` is ever retried: the earliest fit leaves the most room for the rest of the pattern.
    """
    part = element = 0
    retry: tuple[int, int] | None = None
    while element < len(subject):
        if part < len(pattern) and pattern[part] is many:
            part += 1
            retry = (part, element)
        elif part < len(pattern) and same(pattern[part], subject[element]):
            part, element = part + 1, element + 1
        elif retry is None:
            return False
        else:
            part, element = retry[0], retry[1] + 1
            retry = (part, element)
    return all(remaining is many for remaining in pattern[part:])
