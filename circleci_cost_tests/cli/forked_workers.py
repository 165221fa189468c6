"""Workers of commands that a test calls in its own process: forked from one that has imported and warmed up Dagster.

Starting one anew costs seconds, and the workers of commands in processes of their own, as people start them, do. What
a worker does, and all that passes between it and the pool, is the same.
"""

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa

from circleci_cost.cli import dagster_process
from circleci_cost_tests.pipeline.processes import start

_WORKER = ["-m", dagster_process.__name__, "worker"]
# Above every descriptor that a forked process may have.
_FREE_DESCRIPTOR = 1000


class ForkingPopen(subprocess.Popen[Any]):
    """`subprocess.Popen`, but a worker is forked; any other program is started."""

    def __new__(cls, args: Sequence[str], **options: Any) -> Any:
        """Fork a worker, or leave the program to `subprocess`."""
        return ForkedWorker(**options) if list(args)[-3:] == _WORKER else super().__new__(cls)


class ForkedWorker:
    """As much of a process as the pool asks of a worker's."""

    def __init__(self, *, stdout: IO[bytes], stderr: IO[bytes], pass_fds: Sequence[int], **_: object) -> None:
        reading, writing = os.pipe()
        self.stdin = os.fdopen(writing, "w", encoding="utf-8")
        given = {0: reading, 1: stdout.fileno(), 2: stderr.fileno(), **{number: number for number in pass_fds}}
        sent = {number: Connection(os.dup(descriptor)) for number, descriptor in given.items()}
        os.close(reading)
        self._process = start(_work, sent, dict(os.environ))
        for connection in sent.values():
            connection.close()

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, as `subprocess` counts."""
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(_WORKER, timeout or 0)
        return self._process.exitcode

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()


def _work(received: dict[int, Connection], environment: dict[str, str]) -> None:
    """Be the worker, in a forked process: with its descriptors, its environment, a session of its own."""
    free = {}
    for number, connection in received.items():
        free[number] = fcntl.fcntl(connection.fileno(), fcntl.F_DUPFD, _FREE_DESCRIPTOR)
        connection.close()
    for number, descriptor in free.items():
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = os.fdopen(0, encoding="utf-8")
    os.environ.clear()
    os.environ.update(environment)
    os.setsid()
    _keep_engines()
    sys.argv = [str(Path(dagster_process.__file__)), "worker"]
    dagster_process.main()


def _keep_engines() -> None:
    """Let Dagster use one engine for each of its databases: it makes one for each of its thousand statements."""
    from dagster._core.storage.event_log.sqlite import sqlite_event_log
    from dagster._core.storage.runs.sqlite import sqlite_run_storage

    # Else each engine compiles its one statement anew, which takes a fifth of a worker's time.
    engines: dict[str, sa.Engine] = {}

    def kept(url: str, **options: Any) -> sa.Engine:
        if url not in engines:
            engines[url] = sa.create_engine(url, **options)
        return engines[url]

    for module in (sqlite_event_log, sqlite_run_storage):
        vars(module)["create_engine"] = kept
