"""Taking turns: one process at a time does what may not be done twice at once.

The operating system gives a lock back when its process ends, however it ends. Dagster's pools do not serve here:
a step that asks for a slot in the moment another gives it back may wait until the pool is used again (Dagster
1.13 reads the slots and queues the step in two transactions).
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from circleci_cost.lake.own_files import open_lock


@contextmanager
def turn(lock: Path, on_wait: Callable[[], object] | None = None) -> Iterator[None]:
    """Hold `lock`, a file that stays empty; wait for whoever holds it, `on_wait` being called once before.

    Raises `StorageError` where the file cannot be made.
    """
    with open_lock(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait:
                on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
