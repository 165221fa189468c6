"""Leases: locks in an object store, which end by themselves when their holder no longer renews them.

A lease is an object that says who holds it and for how long after the store last wrote it; only the store's own clock
is compared. Its token grows with every new holder. `lake.turns` and `lake.run_locks` say what leases are for.

The fence: a writer asks for an object's version, then `require_leases()`, then replaces the object if it is unchanged.
Whoever takes a lease over does so after that question, and what he writes then changes the version.
"""

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Self

from pydantic import BaseModel, ConfigDict, ValidationError

from circleci_cost.errors import StorageError
from circleci_cost.lake.stores.failures import ChangedMeanwhileError, changed_meanwhile
from circleci_cost.lake.stores.objects import ABSENT, Meta, Version
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.stores.writes import write

LEASE_SECONDS = 60.0
# Stores tell times in whole seconds.
_MARGIN_SECONDS = 2.0
_POLL_SECONDS = (0.2, 3.0)
_CLOCK_SECONDS = 10.0


class LostLeaseError(StorageError):
    """Another process may have taken over what this one was about to write."""


class LeaseRecord(BaseModel):
    """What a lease's object says. `nonce` is new with every write, so that no two writes are alike."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    holder: str
    host: str
    pid: int
    token: int
    seconds: float
    released: bool = False
    nonce: str = ""
    about: dict[str, str] = {}

    def content(self) -> bytes:
        """The bytes of the object."""
        return self.model_copy(update={"nonce": secrets.token_hex(8)}).model_dump_json(indent=2).encode()


@dataclass
class Lease:
    """A lease that this process holds; a thread renews it until `release`, or until the process ends."""

    path: StorePath
    record: LeaseRecord
    version: Version
    _valid_until: float
    _ended: threading.Event = field(default_factory=threading.Event)
    _writing: threading.Lock = field(default_factory=threading.Lock)
    _lost: bool = False

    @property
    def token(self) -> int:
        """Greater than that of every holder before."""
        return self.record.token

    def require(self) -> None:
        """Raise `LostLeaseError` unless nobody else can hold the lease yet."""
        if self._lost or _now() >= self._valid_until:
            raise LostLeaseError(
                f"This process has lost its turn at {self.path}: it could not renew it for "
                f"{self.record.seconds:.0f} seconds, and another may have taken over; it wrote nothing more. Run the "
                "same command again."
            )

    def confirm(self) -> None:
        """Ask the store whether this process still holds the lease, by renewing it. Raises as `require`."""
        self.require()
        self.renew()
        self.require()

    def renew(self) -> None:
        """Extend the lease; one that another process has taken over is lost. Raises `StorageError`."""
        with self._writing:
            if self._lost or self._ended.is_set():
                return
            began = _now()
            try:
                self.version = self._written(self.record)
            except ChangedMeanwhileError:
                self._lost = True
                return
            self._valid_until = began + self.record.seconds

    def _written(self, record: LeaseRecord) -> Version:
        """Write the lease's object while it is this holder's. Raises `ChangedMeanwhileError` where it is another's."""
        location = self.path.location
        try:
            return write(location, record.content(), self.version)
        except ChangedMeanwhileError:
            # An earlier renewal whose answer was lost may have been done after all.
            try:
                content, meta = location.read()
            except FileNotFoundError:
                raise changed_meanwhile(str(self.path)) from None
            if read_record(self.path, content).holder != record.holder:
                raise
            return write(location, record.content(), meta.version)

    def release(self) -> None:
        """Give the lease back, so that nobody has to wait for its end; where that fails, it ends by itself."""
        self._end(lambda: self._written(self.record.model_copy(update={"released": True})))

    def remove(self) -> None:
        """Give the lease back and remove its object, which nobody will want again; not where it is another's by now."""
        self._end(self._removed)

    def _end(self, give_back: Callable[[], object]) -> None:
        """Renew the lease no more, and give it back where it is not lost already."""
        self._ended.set()
        with self._writing:
            if self._lost:
                return
            self._lost = True
            with suppress(StorageError):
                give_back()

    def _removed(self) -> None:
        # Renewed, it is nobody else's in the moment in which it is removed.
        self._written(self.record)
        self.path.unlink(missing_ok=True)

    def keep_renewing(self) -> None:
        """Start the thread that renews."""
        threading.Thread(target=self._renew_for_ever, name=f"lease {self.path.name}", daemon=True).start()

    def _renew_for_ever(self) -> None:
        pause = self.record.seconds / 4
        while not self._ended.wait(pause) and not self._lost:
            pause = self.record.seconds / 4
            try:
                self.renew()
            except StorageError:
                # The store may answer next time; until then `require` counts the seconds.
                pause = min(1.0, pause)


def take(
    path: StorePath,
    about: Mapping[str, str] | None = None,
    seconds: float | None = None,
    *,
    ask_clock: bool = True,
) -> Lease | None:
    """Take a lease that is free or has ended; None where another process holds it. Raises `StorageError`.

    Without `ask_clock` it is not found out whether a lease that was not given back has ended.
    """
    location = path.location
    try:
        content, meta = location.read()
    except FileNotFoundError:
        former, version = None, ABSENT
    else:
        former, version = read_record(path, content), meta.version
        if not former.released and not (ask_clock and has_ended(path, former, meta)):
            return None
    record = LeaseRecord(
        holder=secrets.token_hex(8),
        host=socket.gethostname(),
        pid=os.getpid(),
        token=former.token + 1 if former else 1,
        seconds=seconds or LEASE_SECONDS,
        about=dict(about or {}),
    )
    began = _now()
    try:
        taken = write(location, record.content(), version)
    except ChangedMeanwhileError:
        return None
    lease = Lease(path, record, taken, began + record.seconds)
    lease.keep_renewing()
    return lease


def wait_for(path: StorePath, on_wait: Callable[[], object]) -> Lease:
    """Take a lease, waiting as long as others hold it; `on_wait` is called when the wait begins."""
    lease = take(path)
    if lease is None:
        on_wait()
    asked, (pause, longest) = _now(), _POLL_SECONDS
    while lease is None:
        time.sleep(pause)
        pause = min(pause * 1.5, longest)
        # To ask for the store's time takes three requests more than to look whether the lease was given back.
        if ask_clock := _now() - asked > _CLOCK_SECONDS:
            asked = _now()
        lease = take(path, ask_clock=ask_clock)
    return lease


def read_record(path: StorePath, content: bytes) -> LeaseRecord:
    """Read a lease's object. Raises `StorageError` for what is none."""
    try:
        return LeaseRecord.model_validate_json(content)
    except ValidationError:
        raise StorageError(
            f"{path} is not a lease of this version; remove it when no other process uses this data directory."
        ) from None


def has_ended(path: StorePath, record: LeaseRecord, meta: Meta) -> bool:
    """Whether a lease has run out, by the store's clock: a small object is written to ask for the time."""
    clock = path.with_name(f"{path.name}.clock-{secrets.token_hex(8)}").location
    clock.put(b"")
    try:
        now = clock.head().modified
    finally:
        clock.remove()
    return now - meta.modified > timedelta(seconds=record.seconds + _MARGIN_SECONDS)


def _now() -> float:
    """Seconds that also pass while the machine sleeps, where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


_held = threading.local()


@dataclass(frozen=True)
class HeldLease:
    """A context in which this thread's writes depend on the lease; leaving it gives the lease back."""

    lease: Lease

    def __enter__(self) -> Self:
        _held.leases = [*held_leases(), self.lease]
        return self

    def __exit__(self, *_: object) -> None:
        _held.leases = [other for other in held_leases() if other is not self.lease]
        self.lease.release()

    def remove(self) -> None:
        """Remove the lease's object, which nobody will want again."""
        self.lease.remove()


def depend_on(leases: list[Lease]) -> None:
    """Let this thread's writes depend on the leases that another one holds."""
    _held.leases = leases


def held_leases() -> list[Lease]:
    """The leases that this thread's writes depend on."""
    leases: list[Lease] = getattr(_held, "leases", [])
    return leases


def require_leases() -> None:
    """Raise `LostLeaseError` where this thread has lost a lease that its writes depend on."""
    for lease in held_leases():
        lease.require()
