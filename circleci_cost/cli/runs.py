"""Executes Dagster runs in worker processes, one per cost center at a time, and watches them.

The runs are recorded in the Dagster instance like any other. What a run does is `worker`'s business, drawing its
progress `watching`'s.
"""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import IO, Any, TypeAlias

import click

from circleci_cost.asset_names import COSTED, FOLLOWING, INGESTED
from circleci_cost.cli.instance import instance_errors, prepare_dagster_home
from circleci_cost.cli.waiting_messages import say_waiting
from circleci_cost.cli.watching import Watch
from circleci_cost.errors import AuthorizationError, CircleciCostError
from circleci_cost.settings import Settings

# What a run of a cost center makes; what follows is made by one run for all of them.
_MADE = {"ingest": INGESTED, "reprice": COSTED, "refresh": (*INGESTED, *COSTED)}
_MOST_WORKERS = 4
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class PlannedRun:
    """One run: a job over some days of one cost center; `assets` narrows it to some of the job's assets."""

    job: str
    cost_center: str
    first: date
    last: date
    assets: tuple[str, ...] = ()
    refetch: bool = False
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def lane(self) -> str:
        """Runs of one lane follow each other in one process."""
        return self.cost_center

    @property
    def made(self) -> tuple[str, ...]:
        """The assets of the run."""
        return self.assets or _MADE[self.job]

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1

    @property
    def title(self) -> str:
        """What the run is about."""
        return f"{self.first} – {self.last}"

    @property
    def partitions(self) -> dict[str, str] | None:
        """What the worker has to know of its days."""
        return {"cost_center": self.cost_center, "first": self.first.isoformat(), "last": self.last.isoformat()}


@dataclass(frozen=True)
class WholeRun:
    """One run of a job whose assets have no partitions: it is over all cost centers and days."""

    job: str
    lane: str
    assets: tuple[str, ...] = ()
    refetch: bool = False
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    days: int = 1
    title: str = ""
    partitions: None = None

    @property
    def made(self) -> tuple[str, ...]:
        """The assets of the run."""
        return self.assets


AnyRun: TypeAlias = PlannedRun | WholeRun


@dataclass(frozen=True)
class Failure:
    """A run that failed."""

    run: AnyRun
    sentence: str
    exit_code: int


class RunsFailedError(CircleciCostError):
    """Some runs failed; one sentence each. The exit code is the first one's."""

    def __init__(self, failures: Sequence[Failure]) -> None:
        super().__init__("\n".join(dict.fromkeys(failure.sentence for failure in failures)))
        codes = [failure.exit_code for failure in failures]
        self.exit_code = AuthorizationError.exit_code if AuthorizationError.exit_code in codes else codes[0]


def execute(settings: Settings, runs: Sequence[AnyRun], title: str) -> None:
    """Execute runs, those of one lane (a cost center) in their order; a failed one ends its lane.

    Where one of them has written daily costs, another run allocates and publishes them. Raises `RunsFailedError`
    when all is over. An interrupt ends every run as canceled before it goes on; a second one kills them.
    """
    # An instance of the user's own keeps its durability, whatever is run in it.
    disposable = settings.is_demo and not os.environ.get("DAGSTER_HOME")
    prepare_dagster_home(settings)
    workers = _finished(settings, runs, title, disposable=disposable)
    failures = workers.failures
    if any("daily_costs" in run.made for run in workers.succeeded):
        following = WholeRun("allocate", "publishing", FOLLOWING)
        failures = (
            failures + _finished(settings, [following], "Allocating and publishing", disposable=disposable).failures
        )
    say_waiting(settings)
    if failures:
        raise RunsFailedError(failures)


def _finished(settings: Settings, runs: Sequence[AnyRun], title: str, *, disposable: bool) -> "_Workers":
    queues: dict[str, list[AnyRun]] = {}
    for run in runs:
        queues.setdefault(run.lane, []).append(run)
    workers = _Workers(settings, queues, disposable=disposable)
    with Watch(title, queues) as watch:
        try:
            workers.run(watch)
        except KeyboardInterrupt:
            watch.stopping()
            try:
                workers.stop()
            except KeyboardInterrupt:
                workers.kill()
            raise
    return workers


class _Workers:
    """The worker processes of one `execute`."""

    def __init__(self, settings: Settings, queues: dict[str, list[AnyRun]], *, disposable: bool) -> None:
        self.failures: list[Failure] = []
        self.succeeded: list[AnyRun] = []
        self._settings = settings
        self._disposable = disposable
        self._waiting = dict(queues)
        self._queues = queues
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._errors: dict[str, IO[bytes]] = {}
        self._begun: dict[str, AnyRun] = {}
        self._events: queue.Queue[tuple[str, dict[str, Any] | None]] = queue.Queue()

    def run(self, watch: Watch) -> None:
        """Start workers as others end, and pass their events on until all have ended."""
        while self._waiting or self._processes:
            while self._waiting and len(self._processes) < min(_MOST_WORKERS, os.cpu_count() or 1):
                name = next(iter(self._waiting))
                self._start(name, self._waiting.pop(name))
            try:
                name, event = self._events.get(timeout=0.2)
            except queue.Empty:
                watch.tick()
                continue
            if event is None:
                self._ended(name)
            else:
                self._heard(name, event)
                watch.heard(name, event)

    def _start(self, name: str, runs: Sequence[AnyRun]) -> None:
        reading, writing = os.pipe()
        source = self._settings.source_file
        request = {
            "events": writing,
            "config": str(source) if source else None,
            "demo_data": str(self._settings.data_dir),
            "disposable": self._disposable,
            "runs": [
                {
                    "job": run.job,
                    "partitions": run.partitions,
                    "assets": run.made,
                    "refetch": run.refetch,
                    "run_id": run.run_id,
                }
                for run in runs
            ],
        }
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the worker
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "circleci_cost.cli.worker"],
            stdin=subprocess.PIPE,
            stdout=errors,
            stderr=errors,
            pass_fds=(writing,),
            # The terminal's Ctrl-C is for us alone: we tell the workers how to end.
            start_new_session=True,
            text=True,
        )
        os.close(writing)
        self._processes[name], self._errors[name] = process, errors
        threading.Thread(target=self._listen, args=(name, reading), daemon=True).start()
        if process.stdin:
            try:
                process.stdin.write(json.dumps(request) + "\n")
                process.stdin.flush()
            except BrokenPipeError:
                return

    def _listen(self, name: str, descriptor: int) -> None:
        with os.fdopen(descriptor, encoding="utf-8") as stream:
            for line in stream:
                self._events.put((name, json.loads(line)))
        self._events.put((name, None))

    def _heard(self, name: str, event: dict[str, Any]) -> None:
        if event["event"] == "run":
            self._begun[name] = self._queues[name][event["number"]]
        elif event["event"] == "refused":
            run = self._begun.pop(name, self._queues[name][0])
            self.failures.append(Failure(run, event["sentence"], event["exit_code"]))
        elif event["event"] == "ended":
            run = self._begun.pop(name)
            if event.get("stack"):
                click.echo(event["stack"], err=True)
            if "sentence" in event:
                self.failures.append(Failure(run, event["sentence"], event["exit_code"]))
            else:
                self.succeeded.append(run)

    def _ended(self, name: str) -> None:
        process = self._processes.pop(name)
        code = process.wait()
        if process.stdin:
            process.stdin.close()
        with self._errors.pop(name) as errors:
            if code == 0:
                return
            errors.seek(0)
            text = errors.read().decode(errors="replace").strip()
        click.echo(text, err=True)
        run = self._begun.get(name, self._queues[name][0])
        sentence = (
            f"The process of {name!r} died (exit code {code}); what it had finished is kept, run the same "
            "command again."
        )
        self.failures.append(Failure(run, sentence, 1))
        self._mark_canceled([run.run_id])

    def stop(self) -> None:
        """Let the workers end their runs as canceled, and wait for that."""
        for process in self._processes.values():
            if process.stdin:
                process.stdin.close()
        for process in self._processes.values():
            try:
                process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._mark_canceled(self._unfinished())

    def kill(self) -> None:
        """End the workers at once."""
        for process in self._processes.values():
            process.kill()
            process.wait()
        self._mark_canceled(self._unfinished())

    def _unfinished(self) -> list[str]:
        return [run.run_id for name in self._processes for run in self._queues[name]]

    def _mark_canceled(self, run_ids: Sequence[str]) -> None:
        """Record the end of runs whose process could not: nothing else would."""
        import dagster as dg

        with instance_errors(), dg.DagsterInstance.get() as instance:
            for run_id in run_ids:
                run = instance.get_run_by_id(run_id)
                if run is not None and not run.is_finished:
                    instance.report_run_canceled(run)
