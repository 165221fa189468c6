"""The lease by which a run proves that it lives, where the data directory is in an object store.

It says the same as `run_locks`' files, and is asked for through them; it is known to have ended on every host, not only
on the one that executed the run.
"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from circleci_cost.clock import SystemClock
from circleci_cost.errors import StorageError
from circleci_cost.lake.stores.leases import HeldLease, Lease, LeaseRecord, has_ended, read_record, take
from circleci_cost.lake.stores.paths import StorePath


@dataclass(frozen=True)
class RunLease:
    """The lease of a run that this process executes; without `release` it is renewed until the process ends."""

    lease: Lease

    def release(self) -> None:
        """Give the lease back and remove its object; to be called once the end of the run is recorded."""
        self.lease.remove()


def lease_run(path: StorePath, home: str) -> RunLease:
    """Take the lease of a run. Raises `StorageError` where another process executes the run."""
    about = {
        "pid": str(os.getpid()),
        "host": socket.gethostname(),
        "home": home,
        "since": SystemClock().now().isoformat(),
    }
    lease = take(path, about)
    if lease is None:
        raise StorageError(
            f"Another process executes run {path.stem}, or did so a minute ago; this one did nothing. Let it end, or "
            "start the run again later."
        )
    return RunLease(lease)


@contextmanager
def dead_run_lease(path: StorePath) -> Iterator[LeaseRecord | None]:
    """Hold the lease of a run whose process is dead and yield what it said of itself; None where it lives."""
    try:
        content, meta = path.location.read()
    except FileNotFoundError:
        yield None
        return
    record = read_record(path, content)
    lease = take(path, record.about) if record.released or has_ended(path, record, meta) else None
    if lease is None:
        yield None
        return
    with HeldLease(lease):
        yield record


def seconds_since_start(path: StorePath, now: datetime) -> float:
    """How many seconds ago the process of a run took its lease; 0 where there is none."""
    try:
        since = read_record(path, path.read_bytes()).about.get("since")
    except FileNotFoundError:
        return 0.0
    return (now - datetime.fromisoformat(since)).total_seconds() if since else 0.0
