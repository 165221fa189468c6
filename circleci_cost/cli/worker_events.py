"""What a worker tells its parent: the steps of its runs, the progress of fetches, waits and new tries.

Which runs it executes is `worker`'s business, what becomes of the events `worker_pool`'s.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

from circleci_cost.circleci import ExportProgress, UsageExports
from circleci_cost.defs.failed_runs import sentence_of
from circleci_cost.defs.resources import UsageSource
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.turns import READING, WAREHOUSE


class Parent:
    """Sends events to the parent, from any thread; a parent that is gone hears nothing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def tell(self, event: str, **fields: object) -> None:
        """Send one event."""
        with self._lock:
            try:
                self._stream.write(json.dumps({"event": event, **fields}) + "\n")
                self._stream.flush()
            except BrokenPipeError:
                return


class ToldProgress:
    """Passes a fetch's progress to the run's log and to the parent."""

    def __init__(self, log: ExportProgress, parent: Parent, **fields: object) -> None:
        self._log = log
        self._parent = parent
        # Which lane it is about, where that is not the one at work.
        self._fields = fields

    def message(self, text: str) -> None:
        """Pass it on."""
        self._log.message(text)
        self._parent.tell("message", text=text, **self._fields)

    def waiting(self, text: str, seconds: float) -> None:
        """Pass it on."""
        self._log.waiting(text, seconds)
        self._parent.tell("waiting", text=text, seconds=seconds, **self._fields)

    def part(self, done_bytes: int, total_bytes: int | None, part: int, parts: int) -> None:
        """Pass it on."""
        self._parent.tell("part", done=done_bytes, total=total_bytes, part=part, parts=parts, **self._fields)

    def finished(self) -> None:
        """Pass it on."""
        self._log.finished()


@dataclass(frozen=True)
class ToldSource(UsageSource):
    """The source of usage exports whose progress the parent sees too."""

    parent: Parent | None = None

    @contextmanager
    def exports(self, cost_center: str, lake: Lake, progress: ExportProgress) -> Iterator[UsageExports]:
        """Open the usage exports of one cost center."""
        told = ToldProgress(progress, self.parent) if self.parent else progress
        with super().exports(cost_center, lake, told) as exports:
            yield exports


def listener(parent: Parent) -> Any:
    """What passes a run's events on: its steps, what they made, what they wait for."""

    def listen(entry: Any) -> None:
        event = entry.dagster_event
        if event is None:
            # What a fetch waits for it tells the parent itself.
            if entry.user_message in (*READING.both, *WAREHOUSE.both):
                waits = entry.user_message in {READING.waits, WAREHOUSE.waits}
                parent.tell("lock", text=entry.user_message, waits=waits)
            return
        if event.event_type_value == "STEP_START":
            parent.tell("step", name=event.step_key)
        elif event.event_type_value == "ASSET_MATERIALIZATION":
            parent.tell("materialized", asset=event.asset_key.to_user_string())
        elif event.event_type_value == "STEP_UP_FOR_RETRY":
            data = event.step_retry_data
            text = f"trying again after: {sentence_of(data.error) or 'a failure'}"
            parent.tell("waiting", text=text, seconds=data.seconds_to_wait or 0)

    return listen
