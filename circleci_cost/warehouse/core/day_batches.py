"""Days in lists of bounded size, for statements over their job runs that have to fit into memory.

What is done with the days is the caller's business.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date


def batches(days: Iterable[date], size: Callable[[date], int], most: int) -> Iterator[list[date]]:
    """The days in order, in lists whose files have at most `most` bytes together, or a single one."""
    batch: list[date] = []
    filled = 0
    for day in days:
        if batch and filled + size(day) > most:
            yield batch
            batch, filled = [], 0
        batch.append(day)
        filled += size(day)
    if batch:
        yield batch
