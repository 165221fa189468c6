"""Waits in slices, so that a wait can be interrupted, and reports each slice to a watcher.

The callers decide what to wait for and how long.
"""

from collections.abc import Callable

from circleci_cost.clock import Clock

OnWait = Callable[[str, float], None]
SLICE_SECONDS = 15.0
SHORTEST_SECONDS = 0.001


def wait(clock: Clock, seconds: float, reason: str, on_wait: OnWait) -> None:
    """Wait `seconds`; `on_wait(reason, seconds left)` is called before each slice."""
    end = clock.monotonic() + seconds
    # A clock that counts microseconds cannot sleep the last digits of a float, hence the shortest wait.
    while (left := end - clock.monotonic()) >= SHORTEST_SECONDS:
        on_wait(reason, left)
        clock.sleep(min(left, SLICE_SECONDS))


def ignore_wait(reason: str, seconds: float) -> None:
    """An `OnWait` that reports nothing."""
