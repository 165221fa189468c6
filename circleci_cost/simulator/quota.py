"""Rate limits by organization: so many requests in a sliding window of the injected clock.

What a refusal looks like on the wire is `app`'s.
"""

import math
import threading
from collections import defaultdict, deque
from datetime import datetime, timedelta

from circleci_cost.clock import Clock


class Quota:
    """At most `limit` requests per `window` and key. Refused requests do not count."""

    def __init__(self, limit: int, window: timedelta, clock: Clock) -> None:
        self.limit = limit
        self._window = window
        self._clock = clock
        self._taken: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def take(self, key: str) -> int | None:
        """Count a request; return None, or the whole seconds to wait where the limit is reached."""
        now = self._clock.now()
        with self._lock:
            taken = self._taken[key]
            while taken and taken[0] + self._window <= now:
                taken.popleft()
            if len(taken) < self.limit:
                taken.append(now)
                return None
            if not taken:
                return math.ceil(self._window.total_seconds())
            return max(1, math.ceil((taken[0] + self._window - now).total_seconds()))
