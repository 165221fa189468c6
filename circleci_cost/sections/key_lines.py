"""Finds the line of a key in the text of a TOML file, since `tomllib` keeps no positions.

Only tables, arrays of tables and plain `key = value` lines are followed, as the configuration is written that way.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from circleci_cost.sections.array_lines import line_in_array

# Possessive: no line, whatever it holds, makes the match backtrack.
_HEADER = re.compile(r"\s*+(\[\[?)([A-Za-z0-9_.\-\s]++)\]\]?\s*+(#.*)?$")
_LONGEST_BEGINNING = 500
_PART = r'"?[A-Za-z0-9_\-]++"?'
_KEY = re.compile(rf"\s*+({_PART}(?:\s*+\.\s*+{_PART})*+)\s*+=")


@dataclass(slots=True)
class _Place:
    """A table or key: the first line that leads to it or through it, the first that names it, and what is below it."""

    first: int = 0
    named: int | None = None
    # Of an array of tables, the index of its last one.
    index: int | None = None
    below: "dict[str | int, _Place]" = field(default_factory=dict)

    def at(self, step: str | int, number: int) -> "_Place":
        return self.below.setdefault(step, _Place(number))


class KeyLines:
    """Where the keys of a text are. It is looked through once, however many of them are asked for."""

    def __init__(self, text: str) -> None:
        """Find the tables and keys."""
        # Unlike `splitlines`: only a line feed ends a line of TOML.
        self._lines = text.split("\n")
        self._root = table = _Place()
        # What begins a line is all that is looked at.
        for number, line in enumerate((whole[:_LONGEST_BEGINNING] for whole in self._lines), start=1):
            if header := _HEADER.match(line):
                place = table = self._enter(header.group(2), header.group(1) == "[[", number)
            elif key := _KEY.match(line):
                place = table
                for part in key.group(1).split("."):
                    place = place.at(part.strip(' \t"'), number)
            else:
                continue
            place.named = place.named or number

    def line_of(self, location: Sequence[str | int]) -> int | None:
        """The line, from 1, of the key at `location`, such as `("cost_centers", 0, "name")`.

        For a key that is not written down, the line of the table that should hold it; None for the whole file.
        """
        places = list(self._on_the_way(location))
        if len(places) == len(location) > 0:
            return places[-1].first
        named = [(depth, place.named) for depth, place in enumerate(places, start=1) if place.named]
        if not named:
            return None
        depth, number = named[-1]
        line = self._lines[number - 1]
        if start := _KEY.match(line[:_LONGEST_BEGINNING]):
            return line_in_array("\n".join([line[start.end() :], *self._lines[number:]]), number, location[depth:])
        return number

    def _on_the_way(self, location: Sequence[str | int]) -> Iterator[_Place]:
        place: _Place | None = self._root
        for step in location:
            place = place.below.get(step) if place else None
            if place is None:
                return
            yield place

    def _enter(self, dotted: str, is_array: bool, number: int) -> _Place:
        """The place of a table header, with the index of each array of tables on the way."""
        place = self._root
        steps = [step.strip() for step in dotted.split(".")]
        for position, step in enumerate(steps):
            place = place.at(step, number)
            at_end = position == len(steps) - 1
            if at_end and is_array:
                place.index = 0 if place.index is None else place.index + 1
            if place.index is not None and (is_array or not at_end):
                place = place.at(place.index, number)
        return place


def line_of(text: str, location: Sequence[str | int]) -> int | None:
    """The line of one key, as `KeyLines` has it."""
    return KeyLines(text).line_of(location)
