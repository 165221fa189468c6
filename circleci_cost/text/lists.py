"""Names one after the other in a sentence.

What the names are quoted with, and what is done about one that is missing, is each caller's.
"""

from collections.abc import Sequence


def some_of(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are: `a, b and 3 more`."""
    left_out = len(names) - most
    shown = ", ".join(names[:most])
    return f"{shown} and {left_out:,} more" if left_out > 0 else shown
