"""Dagster's record of runs and checks, read by a process of its own: importing Dagster takes seconds and much memory.

A page shows what was read last, and a look at an old reading begins the next one; no page waits for it.
"""

import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from circleci_cost.clock import Clock
from circleci_cost.config.dagster_home import dagster_home
from circleci_cost.config.settings import Settings
from circleci_cost.errors import ConfigurationError

# It imports Dagster, so that nothing here may import it.
_READER = ("circleci_cost.cli.dagster_process", "recorded_runs")
_SECONDS = 60
_FRESH = timedelta(seconds=60)


@dataclass(frozen=True)
class RecordedRun:
    """A run with the days that it was asked for; `days` is empty for a run over everything."""

    run_id: str
    job: str
    cost_center: str
    first: date | None
    last: date | None
    status: str
    started: datetime | None
    ended: datetime | None


@dataclass(frozen=True)
class FailedCheck:
    """A check whose latest result is a warning or a failure."""

    asset: str
    check: str
    severity: str
    sentence: str
    at: datetime | None


@dataclass(frozen=True)
class Record:
    """What was read at a moment, or the `problem` that prevented it; before the first reading, neither.

    `home` is the folder of the instance; None where there is none.
    """

    home: Path | None
    at: datetime | None = None
    problem: str = ""
    runs: tuple[RecordedRun, ...] = ()
    checks: tuple[FailedCheck, ...] = ()
    is_being_read: bool = False


class DagsterRecord:
    """The latest reading of each instance that was asked for."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        """`seconds`: how long one reading may take."""
        self._seconds = seconds
        self._lock = threading.Lock()
        self._records: dict[Path, Record] = {}
        self._readers: dict[Path, threading.Thread] = {}

    def get(self, settings: Settings, clock: Clock) -> Record:
        """What was read last; where that was over a minute ago, it is read again in the background."""
        try:
            home = dagster_home(settings)
        except ConfigurationError as error:
            return Record(None, problem=str(error))
        if not home.is_dir():
            return Record(None)
        with self._lock:
            record = self._records.get(home, Record(home))
            reader = self._readers.get(home)
            is_being_read = reader is not None and reader.is_alive()
            if not is_being_read and (record.at is None or clock.now() - record.at >= _FRESH):
                reader = threading.Thread(target=self._read, args=(settings, home, clock), daemon=True)
                self._readers[home] = reader
                reader.start()
                is_being_read = True
        return replace(record, is_being_read=is_being_read)

    def wait(self) -> None:
        """Return when no reading is under way."""
        with self._lock:
            readers = list(self._readers.values())
        for reader in readers:
            reader.join()

    def _read(self, settings: Settings, home: Path, clock: Clock) -> None:
        record = _read_record(settings, home, clock.now(), self._seconds)
        with self._lock:
            self._records[home] = record


def _read_record(settings: Settings, home: Path, at: datetime, seconds: float) -> Record:
    request = {
        "config": str(settings.source_file) if settings.source_file else None,
        "demo_data": str(settings.data_dir),
    }
    command = [sys.executable, "-m", *_READER]
    try:
        process = subprocess.run(  # noqa: S603 - our own module
            command, input=json.dumps(request) + "\n", capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return Record(home, at, f"It was not read within {seconds:g} seconds; reload the page to try again.")
    if process.returncode:
        # What the process wrote may quote dagster.yaml, which may hold a password.
        return Record(
            home,
            at,
            f"The process that reads it ended with exit code {process.returncode}; `dagster instance info` in the "
            "environment of this server says more.",
        )
    return _record(json.loads(process.stdout.splitlines()[-1]), home, at)


def _record(answer: Mapping[str, Any], home: Path, at: datetime) -> Record:
    if "problem" in answer:
        return Record(home, at, answer["problem"])
    return Record(
        home,
        at,
        runs=tuple(
            RecordedRun(
                run_id=run["run_id"],
                job=run["job"],
                cost_center=run["cost_center"] or "",
                first=date.fromisoformat(run["first"]) if run["first"] else None,
                last=date.fromisoformat(run["last"]) if run["last"] else None,
                status=run["status"],
                started=_moment(run["started"]),
                ended=_moment(run["ended"]),
            )
            for run in answer["runs"]
        ),
        checks=tuple(
            FailedCheck(
                check["asset"], check["check"], check["severity"], check["sentence"] or "", _moment(check["at"])
            )
            for check in answer["checks"]
        ),
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
