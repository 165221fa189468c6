"""Leases that several processes hold at once, while nobody holds the same lease alone.

The object is that of `leases`, with the names of all who share it. Each of them renews it for all, so who wants it
alone finds it held until the last one has given it back; if that one was killed, it ends as any lease does.
"""

import os
import random
import secrets
import socket
import time
from dataclasses import dataclass

from circleci_cost.lake.stores.failures import ChangedMeanwhileError, changed_meanwhile
from circleci_cost.lake.stores.leases import (
    LEASE_SECONDS,
    Lease,
    LeaseRecord,
    has_ended,
    read_record,
    steady_seconds,
)
from circleci_cost.lake.stores.objects import ABSENT, Version
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.stores.writes import write

# Two who write the object at once try again, not at once again.
_LONGEST_PAUSE = 0.2


@dataclass
class SharedLease(Lease):
    """A lease that this process shares with others."""

    def _written(self, record: LeaseRecord) -> Version:
        """Write the object for all who share it, this process added, or left out if `record` is released.

        Raises `ChangedMeanwhileError` where the lease has ended and another process has taken it since.
        """
        location = self.path.location
        while True:
            try:
                content, meta = location.read()
            except FileNotFoundError:
                raise changed_meanwhile(str(self.path)) from None
            present = read_record(self.path, content)
            if present.token != record.token or not present.sharers:
                raise changed_meanwhile(str(self.path))
            others = tuple(name for name in present.sharers if name != record.holder)
            sharers = others if record.released else (*others, record.holder)
            # The last one's name stays: without names the object would be that of one who holds it alone.
            update = {"sharers": sharers or present.sharers, "released": not sharers}
            try:
                return write(location, present.model_copy(update=update).content(), meta.version)
            except ChangedMeanwhileError:
                _pause()


def share(path: StorePath, *, ask_clock: bool = True) -> SharedLease | None:
    """Share a lease; None where another process holds it alone. Raises `StorageError`.

    Without `ask_clock` it is not found out whether a lease that was not given back has ended.
    """
    location, name = path.location, secrets.token_hex(8)
    while True:
        began = steady_seconds()
        token, sharers, version = 1, [name], ABSENT
        try:
            content, meta = location.read()
        except FileNotFoundError:
            pass
        else:
            former, version = read_record(path, content), meta.version
            if former.released or (ask_clock and has_ended(path, former, meta)):
                token = former.token + 1
            elif former.sharers:
                token, sharers = former.token, [*former.sharers, name]
            else:
                return None
        record = LeaseRecord(
            holder=name,
            host=socket.gethostname(),
            pid=os.getpid(),
            token=token,
            seconds=LEASE_SECONDS,
            sharers=tuple(sharers),
        )
        try:
            taken = write(location, record.content(), version)
        except ChangedMeanwhileError:
            _pause()
            continue
        lease = SharedLease(path, record, taken, began + record.seconds)
        lease.keep_renewing()
        return lease


def _pause() -> None:
    time.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311 - nothing secret
