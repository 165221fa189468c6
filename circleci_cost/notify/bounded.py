"""Runs tasks at the same time, each in a thread of its own, and waits for them so long and no longer.

A thread that hangs in the operating system, in a DNS lookup for instance, is left behind: it is a daemon and ends
with the process.
"""

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from circleci_cost.clock import SystemClock

Result = TypeVar("Result")


def run_bounded(tasks: Mapping[str, Callable[[], Result]], seconds: float) -> dict[str, Result | BaseException]:
    """The result of each task that ended in time, or the exception that ended it; the others are missing."""
    results: dict[str, Result | BaseException] = {}

    def run(name: str, task: Callable[[], Result]) -> None:
        try:
            results[name] = task()
        except BaseException as error:
            # For the caller to look at: nothing may be lost in a thread.
            results[name] = error

    threads = [threading.Thread(target=run, args=each, name=f"notify {each[0]}", daemon=True) for each in tasks.items()]
    for thread in threads:
        thread.start()
    # Sockets hang in real time, whatever clock the messages have.
    clock = SystemClock()
    end = clock.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - clock.monotonic()))
    return dict(results)
