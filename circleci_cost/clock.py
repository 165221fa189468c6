"""The one source of time: everything that reads the time of day takes a `Clock`; ruff refuses other ways.

Dagster's own partitions and schedules keep Dagster's clock; nothing here reads it. Other processes, such as the
workers of the command line, use the machine's clock.
"""

import os
import threading
import time
from datetime import UTC, date, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time, elapsed time and waiting."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait for that many seconds; zero and less return at once."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        if seconds > 0:
            time.sleep(seconds)


class ManualClock:
    """A clock that stands still until it is advanced; `sleep` advances it and returns at once.

    Shared by a client and the simulator it talks to, it turns an hour's quota or the 36 hours
    of a URL into milliseconds. Safe to use from several threads.
    """

    def __init__(self, start: datetime) -> None:
        """Start at `start`, which must be aware."""
        if start.tzinfo is None:
            raise ValueError("a ManualClock needs an aware datetime")
        self._start = start.astimezone(UTC)
        self._elapsed = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the start plus the time advanced so far."""
        with self._lock:
            return self._start + self._elapsed

    def monotonic(self) -> float:
        """Return the seconds advanced so far."""
        with self._lock:
            return self._elapsed.total_seconds()

    def sleep(self, seconds: float) -> None:
        """Advance by `seconds` without blocking."""
        if seconds > 0:
            self.advance(timedelta(seconds=seconds))

    def advance(self, by: timedelta) -> None:
        """Move the clock forward."""
        if by < timedelta():
            raise ValueError("a clock cannot go back")
        with self._lock:
            self._elapsed += by


def file_age(status: os.stat_result) -> float:
    """Return how many seconds ago a file's content changed.

    By the machine's clock, which stamped the file: by a `Clock` of another day, files in use would look abandoned.
    """
    return time.time() - status.st_mtime


def utc_today(clock: Clock) -> date:
    """Return the current UTC date."""
    return clock.now().date()


def utc_yesterday(clock: Clock) -> date:
    """Return the last UTC day that is over."""
    return utc_today(clock) - timedelta(days=1)
