"""Writes the progress of runs as lines to stderr where there is no terminal to draw on: a log, a pipe, a dumb terminal.

One line for each export that is requested or has landed, each wait and each retry, and after a minute of silence.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from circleci_cost.cli.planned_runs import AnyRun, fetches
from circleci_cost.cli.progress_words import STEPS, days_of, export_count, joined, without_subject
from circleci_cost.cli.streams import say, shown
from circleci_cost.clock import Clock, SystemClock
from circleci_cost.text.units import duration, size

# After this long without a line a log looks dead; and the interval for repeating a wait that goes on.
_SILENCE_SECONDS = 60.0
_STILL_SECONDS = 600.0


class Lines:
    """The lines of one command's runs; each begins with what it is about."""

    def __init__(self, title: str, runs: Mapping[str, Sequence[AnyRun]], clock: Clock | None = None) -> None:
        self._title = title
        self._clock = clock or SystemClock()
        self._runs = runs
        self._numbers = dict.fromkeys(runs, 0)
        self._doing: dict[str, str] = {}
        # When each lane's reasons to wait were last written.
        self._wait_written_at: dict[tuple[str, str], float] = {}
        self._waits_until: dict[str, float] = {}
        self._spoken = self._clock.monotonic()

    def __enter__(self) -> Self:
        if sum(fetches(run) for runs in self._runs.values() for run in runs) > 1:
            self._say(f"{self._title}.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def tick(self) -> None:
        """Write what the lanes are doing where nothing has been written for a while."""
        now = self._clock.monotonic()
        # The line of a wait has said how long it lasts.
        if now - self._spoken < _SILENCE_SECONDS or any(until > now for until in self._waits_until.values()):
            return
        for name, doing in self._doing.items():
            self._say(f"{self._subject(name)}: still {doing}.")

    def stopping(self) -> None:
        """Say that the runs are being ended."""
        self._say("Stopping: what runs is being ended; Ctrl-C again kills.")

    def remark(self, text: str) -> None:
        """Write a line."""
        self._say(text)

    def preparing(self, count: int) -> None:
        """Write nothing: each cost center's wait has its own line."""

    def end_lane(self, name: str) -> None:
        """Forget a lane that has ended; a failure is a sentence at the end of the command."""
        self._doing.pop(name, None)
        self._waits_until.pop(name, None)

    def show_event(self, name: str, event: Mapping[str, Any]) -> None:
        """Write an event of a worker, where it is worth a line."""
        match event["event"]:
            case "run":
                self._numbers[name] = event["number"]
                self._doing[name] = "preparing"
            case "step":
                self._doing[name] = STEPS.get(event["name"], "checking")
            case "waiting":
                self._wait(name, event["text"], event["seconds"])
                return
            case "part":
                total = f" of {size(event['total'])}" if event["total"] else ""
                self._doing[name] = (
                    f"downloading part {event['part']} of {event['parts']}, {size(event['done'])}{total}"
                )
            case "lock" if event["waits"]:
                self._say(f"{self._subject(name)}: {event['text']}.")
            case "message":
                text = event["text"]
                self._say(f"{self._subject(name, days_of(text))}: {without_subject(text)}")
        self._waits_until.pop(name, None)
        self.tick()

    def _wait(self, name: str, text: str, seconds: float) -> None:
        now = self._clock.monotonic()
        self._waits_until[name] = now + seconds
        key = (name, text)
        if key in self._wait_written_at and now - self._wait_written_at[key] < _STILL_SECONDS:
            return
        self._wait_written_at[key] = now
        again = self._clock.now() + timedelta(seconds=seconds)
        reason = without_subject(text).rstrip(".")
        self._say(
            f"{self._subject(name, days_of(text))}: waiting, {reason}; again at {again:%H:%M:%S} UTC, in "
            f"{duration(seconds)}."
        )

    def _subject(self, name: str, days: str | None = None) -> str:
        runs, number = self._runs[name], self._numbers[name]
        return joined(name, export_count(runs, number), days or runs[number].title)

    def _say(self, text: str) -> None:
        say(shown(text))
        self._spoken = self._clock.monotonic()
