"""Turns of those who read exports into job runs: one at a time for a cost center, and few at once on a machine.

Two who read neighbouring windows of one cost center would settle the same moved job at once. Windows of different cost
centers share no file; only memory limits how many of them are read at the same time.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from circleci_cost.lake.layout import Lake
from circleci_cost.lake.memory import memory_bytes
from circleci_cost.lake.turns import TurnWords, free_turn, turn

# What reading takes at most, with `spill.ROWS_IN_MEMORY` rows kept; `test_memory` holds it to that.
_BYTES_OF_A_READER = 2_000_000_000
_POLL_SECONDS = 0.2

WAITING_FOR_MEMORY = TurnWords(
    "Another run is reading usage exports, and the memory is enough for no more at once: this one waits for it",
    "The other run has ended: this one reads its usage exports",
)


def reading_words(cost_center: str) -> TurnWords:
    """The sentences of a run that reads exports of a cost center."""
    return TurnWords(
        f"Another run is reading usage exports of {cost_center}: this one waits for it",
        f"The other run has ended: this one reads its usage exports of {cost_center}",
    )


@contextmanager
def reading_turn(
    lake: Lake, cost_center: str, say: Callable[[str], object] | None = None, *, at_once: int | None = None
) -> Iterator[None]:
    """Hold what a process needs that reads exports of a cost center; `say` gets a sentence before and after a wait.

    `at_once` is how many may read at the same time on this machine, by default as many as its memory holds. Raises
    `StorageError`.
    """
    with (
        turn(lake.reading_lock(cost_center), say, reading_words(cost_center)),
        _place(lake, say, at_once or places(memory_bytes(), os.cpu_count() or 1)),
    ):
        yield


def places(memory: int, processors: int) -> int:
    """How many may read at once, at least one: half of the memory (bytes) is left to pricing and everything else."""
    return max(1, min(processors, memory // 2 // _BYTES_OF_A_READER))


@contextmanager
def _place(lake: Lake, say: Callable[[str], object] | None, count: int) -> Iterator[None]:
    locks = [lake.reading_places / f"{number}.lock" for number in range(count)]
    waited = False
    while (place := next((held for lock in locks if (held := free_turn(lock))), None)) is None:
        if not waited and say:
            say(WAITING_FOR_MEMORY.waits)
        waited = True
        time.sleep(_POLL_SECONDS)
    if waited and say:
        say(WAITING_FOR_MEMORY.goes_on)
    with place:
        yield
