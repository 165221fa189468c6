"""Finds the line of a key in the text of a TOML file, since `tomllib` keeps no positions.

Only tables, arrays of tables and plain `key = value` lines are followed, as the configuration is written that way.
"""

import re
from collections.abc import Sequence

from circleci_cost.sections.array_lines import line_in_array

# Possessive: no line, whatever it holds, makes the match backtrack.
_HEADER = re.compile(r"\s*+(\[\[?)([A-Za-z0-9_.\-\s]++)\]\]?\s*+(#.*)?$")
_LONGEST_BEGINNING = 500
_PART = r'"?[A-Za-z0-9_\-]++"?'
_KEY = re.compile(rf"\s*+({_PART}(?:\s*+\.\s*+{_PART})*+)\s*+=")


def line_of(text: str, location: Sequence[str | int]) -> int | None:
    """The line, from 1, of the key at `location`, such as `("cost_centers", 0, "name")`.

    For a key that is missing, the line of the table that should hold it; None where that is the whole file.
    """
    table: list[str | int] = []
    counts: dict[tuple[str | int, ...], int] = {}
    best: tuple[int, int] | None = None
    lines = text.split("\n")
    # Not `splitlines`: only a line feed ends a line of TOML. Only the beginning of each line is looked at.
    for number, line in enumerate((whole[:_LONGEST_BEGINNING] for whole in lines), start=1):
        if header := _HEADER.match(line):
            table = _enter(header.group(2), header.group(1) == "[[", counts)
            here = table
        elif key := _KEY.match(line):
            here = [*table, *(part.strip(' \t"') for part in key.group(1).split("."))]
        else:
            continue
        # The location of a dotted key starts with the tables that hold it.
        shared = min(len(here), len(location))
        if shared and list(location[:shared]) == here[:shared] and (best is None or shared > best[0]):
            best = (shared, number)
    if best is None:
        return None
    shared, number = best
    if shared < len(location) and (start := _KEY.match(lines[number - 1][:_LONGEST_BEGINNING])):
        return line_in_array("\n".join([lines[number - 1][start.end() :], *lines[number:]]), number, location[shared:])
    return number


def _enter(dotted: str, is_array: bool, counts: dict[tuple[str | int, ...], int]) -> list[str | int]:
    """The full location of a table header, with the index in each array of tables on the way."""
    path: list[str | int] = []
    steps = [step.strip() for step in dotted.split(".")]
    for position, step in enumerate(steps):
        path.append(step)
        at_end = position == len(steps) - 1
        if at_end and is_array:
            counts[tuple(path)] = counts.get(tuple(path), -1) + 1
        if tuple(path) in counts and (is_array or not at_end):
            path.append(counts[tuple(path)])
    return path
