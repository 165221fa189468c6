"""Rate limits by organization: a number of requests in a sliding window of the injected clock.

`app` writes the refusal.
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
        self._request_times: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def take(self, key: str) -> int | None:
        """Count a request; return None, or the whole seconds to wait where the limit is reached."""
        now = self._clock.now()
        with self._lock:
            times = self._request_times[key]
            while times and times[0] + self._window <= now:
                times.popleft()
            if len(times) < self.limit:
                times.append(now)
                return None
            if not times:
                return math.ceil(self._window.total_seconds())
            return max(1, math.ceil((times[0] + self._window - now).total_seconds()))
