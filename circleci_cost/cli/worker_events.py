"""The events that a worker sends to its parent: steps of its runs, progress of fetches, waits and retries.

`worker` executes the runs; `worker_pool` receives the events.
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
from circleci_cost.lake.turns import tells_wait


class Parent:
    """Sends events to the parent, from any thread; without effect once the parent is dead."""

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


class ForwardedProgress:
    """Passes the progress of a fetch to the run's log and to the parent."""

    def __init__(self, log: ExportProgress, parent: Parent, **fields: object) -> None:
        self._log = log
        self._parent = parent
        # The lane of the fetch, where it is not the one at work.
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
class ForwardingSource(UsageSource):
    """The source of usage exports, which forwards its progress to the parent."""

    parent: Parent | None = None

    @contextmanager
    def exports(self, cost_center: str, lake: Lake, progress: ExportProgress) -> Iterator[UsageExports]:
        """Open the usage exports of one cost center."""
        forwarded = ForwardedProgress(progress, self.parent) if self.parent else progress
        with super().exports(cost_center, lake, forwarded) as exports:
            yield exports


def listener(parent: Parent) -> Any:
    """A listener that forwards a run's events: its steps, their materializations and their waits."""

    def listen(entry: Any) -> None:
        event = entry.dagster_event
        if event is None:
            # Only waits for locks: a fetch sends its own waits.
            if (waits := tells_wait(entry.user_message)) is not None:
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
