"""The ledger in which all processes count their API requests, so that no organization's quota is exceeded.

It only decides when a request may be sent; `calls` and `retry` handle a 429 that comes all the same.
"""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, TypeVar

from circleci_cost.circleci.waiting import SHORTEST_SECONDS, OnWait, ignore_wait, wait
from circleci_cost.clock import Clock
from circleci_cost.errors import StorageError, TransientSourceError
from circleci_cost.lake.files import storage_errors
from circleci_cost.lake.own_files import require_own_database
from circleci_cost.lake.stores.databases import transact
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.text.units import counted, duration

Kind = Literal["POST", "GET"]
PATIENCE_SECONDS = 6 * 3600.0

_WINDOWS: dict[Kind, tuple[timedelta, str, str]] = {
    "POST": (timedelta(hours=1), "export request", "an hour"),
    "GET": (timedelta(minutes=1), "status request", "a minute"),
}
# A request reaches CircleCI later than it is counted here: a slow old one and a fast new one may arrive together.
_MARGIN = timedelta(seconds=2)
_T = TypeVar("_T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA = """
create table if not exists requests (kind text not null, organization_id text not null, at integer not null);
create table if not exists pauses (
    kind text not null, organization_id text not null, since integer not null, until integer not null,
    primary key (kind, organization_id)
);
"""


class QuotaLedger:
    """Sliding windows per organization, shared by processes through one SQLite file, or one object that holds it."""

    def __init__(
        self,
        path: Path,
        clock: Clock,
        posts_per_hour: int = 10,
        gets_per_minute: int = 10,
        on_wait: OnWait = ignore_wait,
    ) -> None:
        self._path = path
        self._clock = clock
        self._limits: dict[Kind, int] = {"POST": posts_per_hour, "GET": gets_per_minute}
        self._on_wait = on_wait

    def acquire(self, kind: Kind, organization_id: str, patience: float = PATIENCE_SECONDS) -> None:
        """Return when one request may be sent; it is counted before that, and stays counted.

        Raises `TransientSourceError` where the wait would exceed `patience` seconds, and
        `StorageError` where the ledger cannot be used.
        """
        deadline = self._clock.monotonic() + patience
        while (delay := self._reserve(kind, organization_id)) is not None:
            seconds, reason = delay
            if self._clock.monotonic() + seconds > deadline:
                raise TransientSourceError(
                    f"Organization {organization_id} cannot be asked for another {duration(seconds)}: "
                    f"{reason}; nothing was lost, run the same command again after that.",
                    retry_after=seconds,
                )
            wait(self._clock, max(seconds, SHORTEST_SECONDS), reason, self._on_wait)

    def pause(self, kind: Kind, organization_id: str, seconds: float) -> None:
        """Keep all processes from asking that organization for `seconds`; a longer pause already set stays."""

        def change(ledger: sqlite3.Connection) -> None:
            now = self._now()
            ledger.execute(
                "insert into pauses values (?, ?, ?, ?) on conflict do update "
                "set since = excluded.since, until = max(until, excluded.until)",
                (kind, organization_id, now, now + _ticks(timedelta(seconds=seconds))),
            )

        self._transact(change)

    def _reserve(self, kind: Kind, organization_id: str) -> tuple[float, str] | None:
        """Count one request and return None, or return the seconds to wait and why."""
        window, noun, per = _WINDOWS[kind]
        span = _ticks(window + _MARGIN)
        key = (kind, organization_id)

        def change(ledger: sqlite3.Connection) -> tuple[float, str] | None:
            now = self._now()
            # Entries written while the clock ran ahead would block until that time is reached.
            ledger.execute("update requests set at = ? where at > ?", (now, now))
            ledger.execute("update pauses set until = ? + until - since, since = ? where since > ?", (now, now, now))
            ledger.execute("delete from requests where kind = ? and at <= ?", (kind, now - span))
            ledger.execute("delete from pauses where until <= ?", (now,))
            paused = ledger.execute("select until from pauses where kind = ? and organization_id = ?", key).fetchone()
            if paused is not None:
                return _seconds(paused[0] - now), "CircleCI asked us to wait (429)"
            limit = self._limits[kind]
            taken = [
                at
                for (at,) in ledger.execute(
                    "select at from requests where kind = ? and organization_id = ? order by at desc limit ?",
                    (*key, limit),
                )
            ]
            if len(taken) >= limit:
                return _seconds(
                    taken[-1] + span - now
                ), f"CircleCI allows {counted(limit, noun)} {per} per organization"
            ledger.execute("insert into requests values (?, ?, ?)", (*key, now))
            return None

        return self._transact(change)

    def _now(self) -> int:
        return _ticks(self._clock.now() - _EPOCH)

    def _transact(self, change: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run one transaction, alone over threads, processes and kills; in a store it may be run several times."""
        try:
            if isinstance(self._path, StorePath):
                return transact(self._path, _create, change)
            with storage_errors(self._path):
                self._path.parent.mkdir(parents=True, exist_ok=True)
                require_own_database(self._path)
            with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as ledger:
                ledger.execute("begin immediate")
                if ledger.execute("select count(*) from sqlite_master").fetchone() == (0,):
                    _create(ledger)
                result = change(ledger)
                ledger.execute("commit")
                return result
        except sqlite3.Error as error:
            raise StorageError(
                f"The request ledger {self._path} cannot be used ({error}); nothing was asked of CircleCI. "
                "Make it writable, free space on its disk, or remove it if it is damaged: it only counts the last "
                "hour's requests."
            ) from error


def _create(ledger: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";"):
        ledger.execute(statement)


def _ticks(span: timedelta) -> int:
    """Microseconds, exactly."""
    return span // timedelta(microseconds=1)


def _seconds(ticks: int) -> float:
    return ticks / 1_000_000
