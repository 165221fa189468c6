"""Waiting that can be watched and interrupted: in slices, each one told to the watcher.

What is waited for, and how long, is the callers' business.
"""

from collections.abc import Callable

from circleci_cost.clock import Clock

OnWait = Callable[[str, float], None]
SLICE_SECONDS = 15.0
SHORTEST_SECONDS = 0.001


def wait(clock: Clock, seconds: float, reason: str, on_wait: OnWait) -> None:
    """Wait `seconds`; `on_wait(reason, seconds left)` is called before each slice."""
    end = clock.monotonic() + seconds
    # Microsecond clocks cannot sleep away a float's last digits, hence the smallest wait.
    while (left := end - clock.monotonic()) >= SHORTEST_SECONDS:
        on_wait(reason, left)
        clock.sleep(min(left, SLICE_SECONDS))


def nobody(reason: str, seconds: float) -> None:
    """Tell nobody."""
