"""Finds the line of a key in the text of a TOML file: `tomllib` keeps no positions.

Only tables, arrays of tables and plain `key = value` lines are followed, which is how the configuration is written.
"""

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-\s]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r'\s*"?([A-Za-z0-9_\-]+)"?\s*=')


def line_of(text: str, location: Sequence[str | int]) -> int | None:
    """The line, from 1, of the key at `location`, such as `("cost_centers", 0, "name")`.

    For a key that is not written down, the line of the table that should hold it; None for the whole file.
    """
    table: list[str | int] = []
    counts: dict[tuple[str | int, ...], int] = {}
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _enter(header.group(2), header.group(1) == "[[", counts)
            here = table
        elif key := _KEY.match(line):
            here = [*table, key.group(1)]
        else:
            continue
        if here and list(location[: len(here)]) == here and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


def _enter(dotted: str, is_array: bool, counts: dict[tuple[str | int, ...], int]) -> list[str | int]:
    """The full location of a table header, with the index of each array of tables on the way."""
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
