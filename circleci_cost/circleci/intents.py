"""The note of an export job, written before the request, so that a crash never leads to an uncounted second job.

`export_job` sends the requests; here is what a later process may conclude from the note.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from circleci_cost.circleci.connection import Connection
from circleci_cost.circleci.waiting import OnWait, wait
from circleci_cost.circleci.windows import Window
from circleci_cost.clock import Clock
from circleci_cost.errors import SourceError, StorageError, TransientSourceError
from circleci_cost.lake.files import TEMPORARY_PREFIX, write_atomic
from circleci_cost.lake.turns import free_turn
from circleci_cost.text.units import to_the_minute

# A job's result holds the usage of the time of its request; half a day later a new export is better.
JOB_LIFETIME = timedelta(hours=12)
ATTEMPTS_WINDOW = timedelta(hours=24)
MAX_ATTEMPTS = 3
_LOCK_POLL_SECONDS = 5.0


class Intent(BaseModel):
    """The export job of one window. `attempts` are the times of POSTs that created a job or may have done so.

    `empty_answers` are the times of polls that earlier the job completed without parts.
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
        """When the POST that created the job was sent."""
        return self.attempts[-1]


class Note:
    """The intent of one window, written to disk at every change."""

    def __init__(self, path: Path, intent: Intent, clock: Clock, subject: str) -> None:
        self.path = path
        self.intent = intent
        self._clock = clock
        self._subject = subject

    def check(self) -> None:
        """Raise `SourceError` where `MAX_ATTEMPTS` POSTs have been sent within a day."""
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
        """Record a POST that may create a job; called right before it is sent. Raises like `check`."""
        self.check()
        attempts = (*self.intent.attempts, self._clock.now())
        self._change(self._without_job({"attempts": attempts}))

    def withdraw(self) -> None:
        """Remove the last POST from the note: it certainly created no job."""
        self.intent = self.intent.model_copy(update={"attempts": self.intent.attempts[:-1]})
        if self.intent.attempts:
            self._change(self.intent)
        else:
            self.remove()

    def accept(self, usage_export_job_id: str) -> None:
        """Record the job that the last POST created."""
        self._change(self.intent.model_copy(update={"usage_export_job_id": usage_export_job_id}))

    def forget(self) -> None:
        """Drop the job, which failed or no longer exists; its POST still counts."""
        self._change(self._without_job({}))

    def count_empty(self, seconds: float) -> None:
        """Count an answer without parts, unless the last one counted is less than `seconds` ago."""
        now, counted = self._clock.now(), self.intent.empty_answers
        if not counted or now - counted[-1] >= timedelta(seconds=seconds):
            self._change(self.intent.model_copy(update={"empty_answers": (*counted, now)}))

    def remove(self) -> None:
        """Remove the note: its export has landed, or no job was created."""
        self.path.unlink(missing_ok=True)

    def _without_job(self, changes: dict[str, object]) -> Intent:
        return self.intent.model_copy(update={"usage_export_job_id": None, "empty_answers": (), **changes})

    def _change(self, intent: Intent) -> None:
        self.intent = intent
        # Earlier versions do not know the key `empty_answers`, and few notes need it.
        exclude = None if intent.empty_answers else {"empty_answers"}
        write_atomic(self.path, intent.model_dump_json(indent=2, exclude=exclude).encode())


def take_up(path: Path, connection: Connection, window: Window, clock: Clock, subject: str) -> Note:
    """Return the note that an earlier process left for the same organizations and days, or a new one.

    POSTs of more than 24 hours ago no longer count, and a job of more than 12 hours ago is not used.
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
    earlier = read_intent(path)
    if earlier is not None and earlier.model_dump(include=same) == intent.model_dump(include=same):
        attempts = tuple(at for at in earlier.attempts if now - at < ATTEMPTS_WINDOW)
        young = bool(attempts) and now - attempts[-1] < JOB_LIFETIME
        job_id = earlier.usage_export_job_id if young else None
        empty = earlier.empty_answers if young else ()
        intent = earlier.model_copy(
            update={"attempts": attempts, "usage_export_job_id": job_id, "empty_answers": empty}
        )
    return Note(path, intent, clock, subject)


def read_intent(path: Path) -> Intent | None:
    """Return the note, None where there is no file. Raises `StorageError` for one that cannot be read."""
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
    """Lock a window for this process; yield whether it had to wait for another one.

    The lock is free again when the process has died, also after kill -9. Raises
    `TransientSourceError` where another process holds it for longer than `patience` seconds.
    """
    deadline = clock.monotonic() + patience
    waited = False
    lock = path.with_suffix(".lock")
    with ExitStack() as held_locks:
        while (held_lock := free_turn(lock)) is None:
            waited = True
            if clock.monotonic() >= deadline:
                raise TransientSourceError(
                    f"{subject}: another process has been fetching these days for a long time; let it end, "
                    "or stop it, then run the same command again."
                )
            wait(clock, _LOCK_POLL_SECONDS, f"{subject}: another process fetches the same days", on_wait)
        held_locks.enter_context(held_lock)
        for leftover in path.parent.glob(f"{TEMPORARY_PREFIX}*-{path.name}"):
            leftover.unlink(missing_ok=True)
        try:
            yield waited
        finally:
            # Once the job has ended, the lock is not needed; a process that waits checks that it is still this file.
            if not path.exists():
                held_lock.remove()


def remove_ended(notes: Path, now: datetime) -> int:
    """Remove obsolete notes and locks without a note; return the number of windows.

    In: the folder of all notes. A note whose last POST was more than 24 hours ago is obsolete (see
    `take_up`); one that is locked, or cannot be read, stays.
    """
    removed = 0
    for lock in sorted(notes.glob("*/*.lock")):
        held_lock = free_turn(lock)
        if held_lock is None:
            continue
        with held_lock:
            note = lock.with_suffix(".json")
            if _is_obsolete(note, now):
                note.unlink(missing_ok=True)
                held_lock.remove()
                removed += 1
    return removed


def _is_obsolete(note: Path, now: datetime) -> bool:
    try:
        intent = read_intent(note)
    except StorageError:
        return False
    return intent is None or all(now - at >= ATTEMPTS_WINDOW for at in intent.attempts)
