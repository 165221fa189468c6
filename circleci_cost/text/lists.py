"""Lists of names in a sentence.

Quoting the names is up to the callers; hints for unknown names are in `suggestions`.
"""

from collections.abc import Sequence


def some_of(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are: `a, b and 3 more`."""
    left_out = len(names) - most
    shown = ", ".join(names[:most])
    return f"{shown} and {left_out:,} more" if left_out > 0 else shown
