"""The lock by which a run proves that it lives: a file that the process executing it holds until it ends.

The operating system gives the lock back however the process ends, after a reboot too, and no process id has to be
guessed. In an object store it is a lease (`run_leases`). Ending a run whose process is dead is `defs.dead_runs`' job.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from circleci_cost.clock import SystemClock, file_age
from circleci_cost.lake.files import fsync_directory, storage_errors
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.stores.paths import StorePath

if TYPE_CHECKING:
    from circleci_cost.lake.run_leases import RunLease

_SUFFIX = ".lock"


@dataclass(frozen=True)
class RunProcess:
    """The process that executed a run, as its lock file names it."""

    run_id: str
    pid: int
    host: str
    home: str
    since: datetime


@dataclass(frozen=True)
class RunLock:
    """The lock of a run that this process executes; without `release` it is held until the process ends."""

    path: Path
    file: IO[bytes]

    def release(self) -> None:
        """Give the lock back and remove its file; to be called once the end of the run is recorded."""
        self.path.unlink(missing_ok=True)
        self.file.close()


def lock_run(lake: Lake, run_id: str) -> "RunLock | RunLease":
    """Take the lock of a run. Raises `StorageError` where the file cannot be written."""
    path = lake.run_locks / f"{run_id}{_SUFFIX}"
    if isinstance(path, StorePath):
        from circleci_cost.lake.run_leases import lease_run

        return lease_run(path, dagster_home())
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        file = os.fdopen(descriptor, "wb")
        fcntl.flock(file, fcntl.LOCK_EX)
        # A copy of the data directory has other inodes, so its locks say nothing of runs that another host executes.
        record = {
            "inode": os.fstat(file.fileno()).st_ino,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "home": dagster_home(),
            "since": SystemClock().now().isoformat(),
        }
        file.write(json.dumps(record).encode())
        file.flush()
        os.fsync(file.fileno())
        fsync_directory(path.parent)
    return RunLock(path, file)


def dagster_home() -> str:
    """Where this process keeps its record of runs; one data directory may have several such records."""
    return os.environ.get("DAGSTER_HOME", "")


def locked_runs(lake: Lake) -> list[str]:
    """The ids of the runs that have a lock file here, whether or not their processes live."""
    return sorted(path.stem for path in lake.run_locks.glob(f"*{_SUFFIX}") if path.is_file())


@contextmanager
def dead_run(lake: Lake, run_id: str) -> Iterator[RunProcess | None]:
    """Hold the lock of a run whose process is dead and yield what is known of that process.

    None where the process lives, where there is no lock file, or where the file is not the one that was locked.
    """
    path = lake.run_locks / f"{run_id}{_SUFFIX}"
    if isinstance(path, StorePath):
        from circleci_cost.lake.run_leases import dead_run_lease

        with dead_run_lease(path) as record:
            yield None if record is None else _of_record(run_id, record.about)
        return
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield _process(run_id, file)


def remove_run_lock(lake: Lake, run_id: str) -> None:
    """Remove the lock file of a run that has ended."""
    (lake.run_locks / f"{run_id}{_SUFFIX}").unlink(missing_ok=True)


def run_lock_age(lake: Lake, run_id: str) -> float:
    """How many seconds ago the lock file was written; 0 where there is none."""
    path = lake.run_locks / f"{run_id}{_SUFFIX}"
    if isinstance(path, StorePath):
        from circleci_cost.lake.run_leases import seconds_since_start

        return seconds_since_start(path, SystemClock().now())
    try:
        return file_age(path.stat())
    except FileNotFoundError:
        return 0.0


def _process(run_id: str, file: IO[bytes]) -> RunProcess | None:
    try:
        record = json.loads(file.read())
        if record["inode"] != os.fstat(file.fileno()).st_ino:
            return None
    except (ValueError, KeyError, TypeError):
        return None
    return _of_record(run_id, record)


def _of_record(run_id: str, record: Mapping[str, Any]) -> RunProcess | None:
    try:
        return RunProcess(
            run_id,
            int(record["pid"]),
            str(record["host"]),
            str(record["home"]),
            datetime.fromisoformat(record["since"]),
        )
    except (ValueError, KeyError, TypeError):
        # The writer died between making and filling the file; the run's time limit still ends the run.
        return None
