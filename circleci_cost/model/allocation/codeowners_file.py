"""The contents of a CODEOWNERS file of either platform: sections of patterns with owners.

Reading the lines is the job of `codeowners_github` and `codeowners_gitlab`; `codeowners` chooses between them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from circleci_cost.model.allocation.codeowners_patterns import Pattern, fits_all_below, fits_some_of

# The pattern ends at the first space without a backslash before it.
_LINE = re.compile(r"((?:\\.|[^\s\\])*+\\?)\s*+(.*)")
EMAIL = r"[^\s@/]++@[^\s@/.]++(?:\.[^\s@/.]++)++"


@dataclass(frozen=True)
class Entry:
    """A line: a pattern and its owners in order, empty where nobody owns it; or a pattern that its section excludes."""

    line: int
    pattern: Pattern
    owners: tuple[str, ...] = ()
    is_exclusion: bool = False


@dataclass
class Section:
    """A section: the last entry that fits counts. The section without a heading has the name `""`."""

    name: str
    is_optional: bool
    entries: list[Entry]

    def owner(self, folder: str) -> "Owner | None":
        """The first owner of all files of a folder; None where the section names none."""
        fitting = [entry for entry in self.entries if fits_all_below(entry.pattern, folder)]
        if not fitting or not fitting[-1].owners or any(entry.is_exclusion for entry in fitting):
            return None
        return Owner(fitting[-1].owners[0], fitting[-1].line)


@dataclass(frozen=True)
class Owner:
    """An owner as the file writes it, and the line that names it."""

    name: str
    line: int


@dataclass(frozen=True)
class Remark:
    """What the platform does not read in a line and what to write instead, worded as the end of a sentence."""

    line: int
    text: str


@dataclass(frozen=True)
class OwnersFile:
    """The sections of a file in order, and remarks on its lines."""

    sections: tuple[Section, ...]
    remarks: tuple[Remark, ...]

    def owner(self, folder: str) -> Owner | None:
        """The owner of all files of a folder (a path without slashes around it), by the last section that names one.

        Later lines take precedence over earlier ones; an optional section counts where no other names an owner.
        """
        owner: Owner | None = None
        for section in sorted(self.sections, key=lambda section: not section.is_optional):
            owner = section.owner(folder) or owner
        return owner

    def line_about_a_part(self, folder: str) -> int | None:
        """The last line with owners that fits some files of a folder, or its path, but not everything below it."""
        lines = [
            entry.line
            for section in self.sections
            for entry in section.entries
            if entry.owners and fits_some_of(entry.pattern, folder) and not fits_all_below(entry.pattern, folder)
        ]
        return max(lines, default=None)


def lines_of(text: str) -> Iterator[tuple[int, str]]:
    """The lines with their numbers, from 1, stripped of spaces; empty lines and comments are left out."""
    for number, line in enumerate(text.split("\n"), start=1):
        content = line.strip()
        if content and not content.startswith("#"):
            yield number, content


def pattern_and_owners(line: str) -> tuple[str, list[str]]:
    """Split a line at its first unescaped space: the pattern before it, and the words after it."""
    match = _LINE.match(line)
    return (match.group(1), match.group(2).split()) if match else (line, [])
