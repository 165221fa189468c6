"""Taking turns: one process at a time does what may not be done twice at once.

On a disk the operating system gives a lock back when its process ends, however it ends; in an object store it is a
lease, which ends by itself, and without which nothing more is written. Dagster's pools do not serve here:
a step that asks for a slot in the moment another gives it back may wait until the pool is used again (Dagster
1.13 reads the slots and queues the step in two transactions).
"""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from circleci_cost.lake.own_files import open_lock
from circleci_cost.lake.stores.paths import StorePath

if TYPE_CHECKING:
    from circleci_cost.lake.stores.leases import HeldLease


@dataclass(frozen=True)
class TurnWords:
    """The sentences of a run that has to wait for its turn, and whose turn has come."""

    waits: str
    goes_on: str = ""


def tells_wait(sentence: str) -> bool | None:
    """Whether a sentence says that a run waits for its turn (True) or that its turn has come; None for any other."""
    if sentence.startswith("Another run ") and sentence.endswith(": this one waits for it"):
        return True
    return False if sentence.startswith("The other run has ") else None


PUBLISHING = TurnWords(
    "Another run is publishing: this one waits for it",
    "The other run has published: this one goes on",
)
TAKING_OVER = TurnWords(
    "Another run is taking over the tables of an earlier version: this one waits for it",
    "The other run has taken over the tables of the earlier version: this one goes on",
)


def writing_words(tables: str) -> TurnWords:
    """The sentences of a run that writes tables, such as `daily_costs of acme`."""
    return TurnWords(
        f"Another run is writing {tables}: this one waits for it", f"The other run has ended: this one writes {tables}"
    )


@contextmanager
def turn(lock: Path, say: Callable[[str], object] | None = None, words: TurnWords | None = None) -> Iterator[None]:
    """Hold `lock`, a file that stays empty. Where another holds it, `say` gets `words` before and after the wait.

    Raises `StorageError` where the file cannot be made.
    """
    if isinstance(lock, StorePath):
        with _leased(lock, say, words):
            yield
        return
    with open_lock(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if say and words:
                say(words.waits)
            fcntl.flock(file, fcntl.LOCK_EX)
            if say and words and words.goes_on:
                say(words.goes_on)
        yield


def in_the_same_turns() -> Callable[[], None]:
    """What a thread calls first that writes for this one, so that its writes depend on the same turns."""
    from circleci_cost.lake.stores.leases import depend_on, held_leases

    leases = held_leases()
    return lambda: depend_on(leases)


@dataclass(frozen=True)
class HeldFile:
    """A locked file; leaving the context gives the lock back."""

    path: Path
    file: IO[bytes]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def remove(self) -> None:
        """Remove the file, which nobody will want to lock again."""
        self.path.unlink(missing_ok=True)


def free_turn(lock: Path) -> "HeldFile | HeldLease | None":
    """Take a lock if it is free, to be held as a context.

    None where another process holds it, or has removed its file between opening and locking. Raises `StorageError`.
    """
    if isinstance(lock, StorePath):
        from circleci_cost.lake.stores.leases import HeldLease, take

        lease = take(lock)
        return None if lease is None else HeldLease(lease)
    file = open_lock(lock)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), lock.stat()):
            return HeldFile(lock, file)
    except (BlockingIOError, FileNotFoundError):
        pass
    file.close()
    return None


@contextmanager
def _leased(lock: StorePath, say: Callable[[str], object] | None, words: TurnWords | None) -> Iterator[None]:
    from circleci_cost.lake.stores.leases import HeldLease, wait_for

    waited = False

    def on_wait() -> None:
        nonlocal waited
        waited = True
        if say and words:
            say(words.waits)

    with HeldLease(wait_for(lock, on_wait)):
        if waited and say and words and words.goes_on:
            say(words.goes_on)
        yield
