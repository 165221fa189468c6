"""Runs tasks in parallel, each in its own thread, and waits for them for a bounded time.

A thread that hangs in the operating system, such as in a DNS lookup, is left behind: it is a daemon and ends with the
process.
"""

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from circleci_cost.clock import SystemClock

Result = TypeVar("Result")


def run_bounded(tasks: Mapping[str, Callable[[], Result]], seconds: float) -> dict[str, Result | BaseException]:
    """The result of each task that ended in time, or the exception that ended it; late tasks are missing."""
    results: dict[str, Result | BaseException] = {}

    def run(name: str, task: Callable[[], Result]) -> None:
        try:
            results[name] = task()
        except BaseException as error:
            # The caller looks at it: no error may be lost in a thread.
            results[name] = error

    threads = [threading.Thread(target=run, args=task, name=f"notify {task[0]}", daemon=True) for task in tasks.items()]
    for thread in threads:
        thread.start()
    # Sockets hang in real time, whatever clock the messages have.
    clock = SystemClock()
    end = clock.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - clock.monotonic()))
    return dict(results)
