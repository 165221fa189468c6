"""A few worker processes that take lanes of runs in turn: starting one costs seconds, a lane may cost less.

`runs` hands in the runs; `worker` executes them.
"""

import itertools
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from circleci_cost.cli.instance import instance_errors
from circleci_cost.cli.planned_runs import AnyRun, fetches
from circleci_cost.cli.streams import say
from circleci_cost.cli.watching import AnyWatch
from circleci_cost.clock import SystemClock
from circleci_cost.config.settings import Settings
from circleci_cost.lake.layout import open_lake

_MOST_WORKERS = 4
# Starting a worker takes 2 s of a processor, as much as reading or pricing so many days.
_DAYS_WORTH_A_WORKER = 60
_PATIENCE_SECONDS = 60.0


@dataclass
class _Worker:
    """A worker process and what it is doing."""

    process: "subprocess.Popen[str]"
    errors: IO[bytes]
    lane: str | None = None
    begun: AnyRun | None = None
    ready: bool = False
    # Why it cannot work at all: a sentence and an exit code.
    refused: tuple[str, int] | None = None

    def send(self, message: Mapping[str, object]) -> None:
        """Write one line to its stdin; a dead worker is noticed when its events are read."""
        if self.process.stdin:
            try:
                self.process.stdin.write(json.dumps(message) + "\n")
                self.process.stdin.flush()
            except BrokenPipeError:
                return


def _most_workers() -> int:
    return min(_MOST_WORKERS, os.cpu_count() or 1)


def useful_workers(lanes: Mapping[str, Sequence[AnyRun]], *, waits: bool) -> int:
    """How many workers end sooner than fewer: lanes that wait for CircleCI do so side by side, others must be long."""
    days = sum(run.days for runs in lanes.values() for run in runs)
    return len(lanes) if waits else min(len(lanes), 1 + days // _DAYS_WORTH_A_WORKER)


def _described(run: AnyRun) -> dict[str, object]:
    """The run as an order for a worker."""
    return {
        "job": run.job,
        "partitions": run.partitions,
        "assets": run.made_assets,
        "refetch": run.refetch,
        "run_id": run.run_id,
    }


def _died(lane: str, code: int) -> str:
    return f"The process of {lane!r} died (exit code {code}); what it had finished is kept, run the same command again."


class WorkerPool:
    """The worker processes of one command; a lane's runs follow each other, and a failed one ends its lane."""

    def __init__(self, settings: Settings, *, disposable: bool) -> None:
        self.failed: list[tuple[AnyRun, str, int]] = []
        self.succeeded: list[AnyRun] = []
        self._settings = settings
        self._disposable = disposable
        self._standing_checks = True
        self._lanes: dict[str, Sequence[AnyRun]] = {}
        self._waiting_lanes: deque[str] = deque()
        # The worker that prepares a lane's exports, by lane; the lane waits for that.
        self._preparing: dict[str, int] = {}
        self._workers: dict[int, _Worker] = {}
        self._most_workers = 1
        self._started = 0
        self._events: queue.Queue[tuple[int, dict[str, Any] | None]] = queue.Queue()

    def run(self, lanes: Mapping[str, Sequence[AnyRun]], watch: AnyWatch, *, standing_checks: bool) -> None:
        """Give workers the lanes in turn, and pass their events on until all lanes have ended."""
        self._standing_checks = standing_checks
        self._lanes |= lanes
        self._waiting_lanes.extend(lanes)
        # The demo's simulator answers at once.
        waits = not self._settings.is_demo and any(fetches(run) for runs in lanes.values() for run in runs)
        self._most_workers = min(_most_workers(), useful_workers(lanes, waits=waits))
        if len(lanes) > self._most_workers and waits:
            self._prepare()
        while self._waiting_lanes or self._preparing or any(worker.lane for worker in self._workers.values()):
            self._give_lanes()
            try:
                number, event = self._events.get(timeout=0.2)
            except queue.Empty:
                watch.tick()
                continue
            if event is None:
                self._reap(number)
            else:
                self._handle(self._workers[number], event, watch)

    def close(self) -> None:
        """Let idle workers end."""
        for worker in self._workers.values():
            worker.send({"finish": True})
        for number in list(self._workers):
            self._reap(number)

    def _give_lanes(self) -> None:
        for worker in self._workers.values():
            if self._waiting_lanes and worker.lane is None:
                worker.lane = self._waiting_lanes.popleft()
                worker.send(self._order(worker.lane))
        while self._waiting_lanes and len(self._workers) < self._most_workers:
            worker = self._start()
            worker.lane = self._waiting_lanes.popleft()
            worker.send(self._order(worker.lane))

    def _prepare(self) -> None:
        """Have the exports of all lanes prepared at once; a worker gets a lane once its exports are prepared."""
        while len(self._workers) < self._most_workers:
            self._start()
        numbers = itertools.cycle(list(self._workers))
        for lane in list(self._waiting_lanes):
            run = self._lanes[lane][0]
            if fetches(run):
                number = self._preparing[lane] = next(numbers)
                self._waiting_lanes.remove(lane)
                self._workers[number].send({"lane": lane, "prepare": _described(run)})

    def _start(self) -> _Worker:
        reading, writing = os.pipe()
        source = self._settings.source_file
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the worker
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "circleci_cost.cli.dagster_process", "worker"],
            stdin=subprocess.PIPE,
            stdout=errors,
            stderr=errors,
            pass_fds=(writing,),
            # The terminal's Ctrl-C is for this process alone, which tells the workers how to end.
            start_new_session=True,
            text=True,
        )
        os.close(writing)
        number, self._started = self._started, self._started + 1
        worker = self._workers[number] = _Worker(process, errors)
        threading.Thread(target=self._listen, args=(number, reading), daemon=True).start()
        worker.send(
            {
                "events": writing,
                "config": str(source) if source else None,
                "demo_data": str(self._settings.data_dir),
                "disposable": self._disposable,
                "standing_checks": self._standing_checks,
                # One worker is enough to look for dead runs and to do the housekeeping.
                "keep_house": number == 0,
            }
        )
        return worker

    def _order(self, lane: str) -> dict[str, object]:
        return {
            "standing_checks": self._standing_checks,
            "runs": [_described(run) for run in self._lanes[lane]],
        }

    def _listen(self, number: int, descriptor: int) -> None:
        with os.fdopen(descriptor, encoding="utf-8") as stream:
            for line in stream:
                self._events.put((number, json.loads(line)))
        self._events.put((number, None))

    def _handle(self, worker: _Worker, event: dict[str, Any], watch: AnyWatch) -> None:
        lane = event.get("lane") or worker.lane or ""
        match event["event"]:
            case "ready":
                worker.ready = True
            case "refused":
                worker.refused = event["sentence"], event["exit_code"]
            case "prepared":
                self._preparing.pop(lane, None)
                self._waiting_lanes.append(lane)
                watch.preparing(len(self._preparing))
            case "remark":
                watch.remark(event["text"])
            case "idle":
                watch.end_lane(lane)
                worker.lane = None
            case "run":
                worker.begun = self._lanes[lane][event["number"]]
                watch.show_event(lane, event)
            case "ended":
                run, worker.begun = worker.begun, None
                if event.get("stack"):
                    say(event["stack"])
                if run is not None and "sentence" in event:
                    self.failed.append((run, event["sentence"], event["exit_code"]))
                elif run is not None:
                    self.succeeded.append(run)
                watch.show_event(lane, event)
            case _:
                watch.show_event(lane, event)

    def _reap(self, number: int) -> None:
        worker = self._workers.pop(number)
        code = worker.process.wait()
        if worker.process.stdin:
            worker.process.stdin.close()
        with worker.errors as errors:
            errors.seek(0)
            text = errors.read().decode(errors="replace").strip()
        for lane in [lane for lane, by in self._preparing.items() if by == number]:
            del self._preparing[lane]
            self._waiting_lanes.append(lane)
        if worker.refused:
            self._fail(worker, lambda lane: worker.refused or ("", 1))
        elif code:
            say(text)
            self._fail(worker, lambda lane: (_died(lane, code), 1))
            self._end_dead_runs()

    def _fail(self, worker: _Worker, failure_of: Callable[[str], tuple[str, int]]) -> None:
        """Fail a worker's lane; if it never became ready, fail all waiting lanes: no other worker would get further."""
        lanes = [worker.lane] if worker.lane else []
        if not worker.ready:
            lanes += self._waiting_lanes
            self._waiting_lanes.clear()
        for lane in lanes:
            run = worker.begun if lane == worker.lane and worker.begun else self._lanes[lane][0]
            self.failed.append((run, *failure_of(lane)))

    def stop(self) -> None:
        """Let the workers end their runs as canceled, and wait for that."""
        for worker in self._workers.values():
            if worker.process.stdin:
                worker.process.stdin.close()
        for worker in self._workers.values():
            try:
                worker.process.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        self._mark_canceled()

    def kill(self) -> None:
        """End the workers at once."""
        for worker in self._workers.values():
            worker.process.kill()
            worker.process.wait()
        self._mark_canceled()

    def _end_dead_runs(self) -> None:
        """Record the end of the run that a dead worker was executing, and notify of it."""
        import dagster as dg

        from circleci_cost.defs.dead_runs import end_dead_runs

        with instance_errors(), dg.DagsterInstance.get() as instance:
            end_dead_runs(instance, self._settings, open_lake(self._settings.data_dir), SystemClock())

    def _mark_canceled(self) -> None:
        """Record the end of runs whose process was killed before it could."""
        import dagster as dg

        with instance_errors(), dg.DagsterInstance.get() as instance:
            for run_id in [
                run.run_id for worker in self._workers.values() if worker.lane for run in self._lanes[worker.lane]
            ]:
                run = instance.get_run_by_id(run_id)
                if run is not None and not run.is_finished:
                    instance.report_run_canceled(run)
