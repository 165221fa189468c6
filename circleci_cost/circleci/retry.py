"""Repeats a request after a failure: a bounded number of times, never earlier than Retry-After allows.

The caller decides which failures allow another try; `quota` counts the requests.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from circleci_cost.circleci.waiting import OnWait, ignore_wait, wait
from circleci_cost.clock import Clock
from circleci_cost.errors import CircleciCostError, TransientSourceError

T = TypeVar("T")


@dataclass(frozen=True)
class Backoff:
    """Exponential waits with jitter: `first_seconds`, doubled each time, up to `longest_seconds`.

    No try begins later than `total_seconds` after the first one.
    """

    attempts: int = 6
    first_seconds: float = 1.0
    longest_seconds: float = 60.0
    total_seconds: float = 2 * 3600.0

    def seconds(self, failures: int, jitter: float) -> float:
        """Return the wait after so many failures; `jitter` in [0, 1) takes up to half of it away."""
        return min(self.longest_seconds, self.first_seconds * 2.0 ** (failures - 1)) * (1 - jitter / 2)


@dataclass(frozen=True)
class Retry:
    """Calls an action until it works, may not be repeated, or the bounds of `backoff` are reached."""

    clock: Clock
    jitter: random.Random
    backoff: Backoff = field(default_factory=Backoff)
    on_wait: OnWait = ignore_wait

    def call(
        self,
        action: Callable[[], T],
        may_repeat: Callable[[CircleciCostError], bool],
        failures: tuple[type[CircleciCostError], ...] = (TransientSourceError,),
    ) -> T:
        """Return what `action` returns. Failures of the classes `failures` are retried; the last one is raised."""
        started = self.clock.monotonic()
        failed = 0
        while True:
            try:
                return action()
            except failures as error:
                failed += 1
                retry_after = error.retry_after if isinstance(error, TransientSourceError) else None
                seconds = max(self.backoff.seconds(failed, self.jitter.random()), retry_after or 0.0)
                too_late = self.clock.monotonic() - started + seconds > self.backoff.total_seconds
                if failed >= self.backoff.attempts or too_late or not may_repeat(error):
                    raise
                reason = f"trying again after: {error}"
            wait(self.clock, seconds, reason, self.on_wait)
