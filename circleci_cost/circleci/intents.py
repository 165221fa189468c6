"""The note of an export job, written before the request, so that no crash makes a second job unseen.

Sending requests is `export_job`'s work; here is what a later process may conclude from the note.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from circleci_cost.circleci.connection import Connection
from circleci_cost.circleci.waiting import OnWait, wait
from circleci_cost.circleci.windows import Window
from circleci_cost.clock import Clock
from circleci_cost.errors import SourceError, StorageError, TransientSourceError
from circleci_cost.lake.files import TEMPORARY_PREFIX, write_atomic
from circleci_cost.lake.own_files import open_lock
from circleci_cost.text.units import to_the_minute

# A job's result is of the time when it was made; half a day later a new export is the better one.
JOB_LIFETIME = timedelta(hours=12)
ATTEMPTS_WINDOW = timedelta(hours=24)
MAX_ATTEMPTS = 3
_LOCK_POLL_SECONDS = 5.0


class Intent(BaseModel):
    """One window's export job; `attempts` are the times of POSTs that made a job or may have made one.

    `empty_answers` are the times at which the job was completed without parts, each of them counted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    organization_id: str
    shared_organization_ids: tuple[str, ...]
    first_day: date
    last_day: date
    created_at: datetime
    attempts: tuple[datetime, ...] = ()
    usage_export_job_id: str | None = None
    empty_answers: tuple[datetime, ...] = ()

    @property
    def requested_at(self) -> datetime:
        """When the POST was sent that made the job."""
        return self.attempts[-1]


class Note:
    """The intent of one window, on disk after every change."""

    def __init__(self, path: Path, intent: Intent, clock: Clock, subject: str) -> None:
        self.path = path
        self.intent = intent
        self._clock = clock
        self._subject = subject

    def check(self) -> None:
        """Raise `SourceError` where one more POST would be one too many."""
        attempts = self.intent.attempts
        if len(attempts) < MAX_ATTEMPTS:
            return
        again = attempts[-MAX_ATTEMPTS] + ATTEMPTS_WINDOW
        raise SourceError(
            f"{self._subject}: {MAX_ATTEMPTS} export jobs were requested within 24 hours and none of them "
            f"gave a result, so no other is made before {to_the_minute(again)}; see "
            f"https://status.circleci.com, and remove {self.path} to try at once."
        )

    def begin(self) -> None:
        """Note a POST that may make a job; to be called right before it is sent. Raises like `check`."""
        self.check()
        attempts = (*self.intent.attempts, self._clock.now())
        self._change(self._without_job({"attempts": attempts}))

    def withdraw(self) -> None:
        """Take the last POST back: it surely made no job."""
        self.intent = self.intent.model_copy(update={"attempts": self.intent.attempts[:-1]})
        if self.intent.attempts:
            self._change(self.intent)
        else:
            self.remove()

    def accept(self, usage_export_job_id: str) -> None:
        """Note the job that the last POST made."""
        self._change(self.intent.model_copy(update={"usage_export_job_id": usage_export_job_id}))

    def forget(self) -> None:
        """Let go of the job, which failed or is gone; its POST still counts."""
        self._change(self._without_job({}))

    def count_empty(self, seconds: float) -> None:
        """Count the answer of now as one without parts; one within `seconds` of the last counted is the same one."""
        now, counted = self._clock.now(), self.intent.empty_answers
        if not counted or now - counted[-1] >= timedelta(seconds=seconds):
            self._change(self.intent.model_copy(update={"empty_answers": (*counted, now)}))

    def remove(self) -> None:
        """End the note: its export has landed, or nothing was ever made."""
        self.path.unlink(missing_ok=True)

    def _without_job(self, changes: dict[str, object]) -> Intent:
        return self.intent.model_copy(update={"usage_export_job_id": None, "empty_answers": (), **changes})

    def _change(self, intent: Intent) -> None:
        self.intent = intent
        # An earlier version knows no empty answers, and few notes have any.
        exclude = None if intent.empty_answers else {"empty_answers"}
        write_atomic(self.path, intent.model_dump_json(indent=2, exclude=exclude).encode())


def take_up(path: Path, connection: Connection, window: Window, clock: Clock, subject: str) -> Note:
    """Return what an earlier process left for the same organizations and days, or a new note.

    POSTs of more than 24 hours ago no longer count, and a job of more than 12 hours ago is left alone.
    """
    now = clock.now()
    intent = Intent(
        organization_id=connection.organization_id,
        shared_organization_ids=connection.shared_organization_ids,
        first_day=window.first_day,
        last_day=window.last_day,
        created_at=now,
    )
    same = {"organization_id", "shared_organization_ids", "first_day", "last_day"}
    found = read_intent(path)
    if found is not None and found.model_dump(include=same) == intent.model_dump(include=same):
        attempts = tuple(at for at in found.attempts if now - at < ATTEMPTS_WINDOW)
        young = bool(attempts) and now - attempts[-1] < JOB_LIFETIME
        job_id = found.usage_export_job_id if young else None
        empty = found.empty_answers if young else ()
        intent = found.model_copy(update={"attempts": attempts, "usage_export_job_id": job_id, "empty_answers": empty})
    return Note(path, intent, clock, subject)


def read_intent(path: Path) -> Intent | None:
    """Return the note, None where there is none. Raises `StorageError` for one that cannot be read."""
    try:
        return Intent.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise StorageError(
            f"{path} is not a note of an export job of this version; move it away, and the export is requested anew."
        ) from None


@contextmanager
def held(path: Path, clock: Clock, subject: str, on_wait: OnWait, patience: float) -> Iterator[bool]:
    """Hold a window for this process; yield whether another one held it before.

    The operating system frees the lock when its process dies, by kill -9 too. Raises
    `TransientSourceError` where another process holds it for longer than `patience` seconds.
    """
    deadline = clock.monotonic() + patience
    waited = False
    lock = path.with_suffix(".lock")
    with ExitStack() as open_files:
        while (held_lock := _locked(lock)) is None:
            waited = True
            if clock.monotonic() >= deadline:
                raise TransientSourceError(
                    f"{subject}: another process has been fetching these days for a long time; let it end, "
                    "or stop it, then run the same command again."
                )
            wait(clock, _LOCK_POLL_SECONDS, f"{subject}: another process fetches the same days", on_wait)
        open_files.enter_context(held_lock)
        for leftover in path.parent.glob(f"{TEMPORARY_PREFIX}*-{path.name}"):
            leftover.unlink(missing_ok=True)
        try:
            yield waited
        finally:
            # Only a window whose job has not ended needs its files; whoever waits looks whether the lock is still it.
            if not path.exists():
                lock.unlink(missing_ok=True)


def remove_ended(notes: Path, now: datetime) -> int:
    """Remove the notes that say nothing any more, and locks without a note; return how many windows they were of.

    In: the folder of all notes. A note whose last POST was more than 24 hours ago is as good as none (see
    `take_up`); one that is held, or cannot be read, stays.
    """
    removed = 0
    for lock in sorted(notes.glob("*/*.lock")):
        held_lock = _locked(lock)
        if held_lock is None:
            continue
        with held_lock:
            note = lock.with_suffix(".json")
            if _says_nothing(note, now):
                note.unlink(missing_ok=True)
                lock.unlink(missing_ok=True)
                removed += 1
    return removed


def _says_nothing(note: Path, now: datetime) -> bool:
    try:
        intent = read_intent(note)
    except StorageError:
        return False
    return intent is None or all(now - at >= ATTEMPTS_WINDOW for at in intent.attempts)


def _locked(lock: Path) -> IO[bytes] | None:
    """The locked file; None where another process holds it, or has removed it between opening and locking."""
    file = open_lock(lock)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(file.fileno()), lock.stat()):
            return file
    except (BlockingIOError, FileNotFoundError):
        pass
    file.close()
    return None
