"""Draws the progress of runs on a terminal: a bar for each cost center, and below it what it does or waits for.

Where nothing can be drawn, `telling` writes lines instead.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeAlias

from rich.console import RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, Progress, Task, TaskID, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from circleci_cost.cli.plain_console import PlainConsole
from circleci_cost.cli.planned_runs import AnyRun, progress_assets
from circleci_cost.cli.progress_words import STEPS, days_of, export_count, joined, without_subject
from circleci_cost.cli.streams import remarks, shown
from circleci_cost.cli.telling import Lines
from circleci_cost.text.units import duration, size

_BAR_WIDTH = 24
# The width beside name and bar: a percentage, a time and the gaps.
_BESIDE = 16
_NARROWEST_NAME = 8
# The bar, the line of what the lane does, and its second line where that is long.
_LINES_A_BAR = 3
# With more cost centers than this, or than fit on the screen, only those at work have a bar, below one for all.
_MOST_BARS = 20


class _Bars(Progress):
    """Bars of equal width, one per lane; below each, uncut, what the lane does."""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Draw the visible lanes."""
        tasks = [task for task in self.tasks if task.visible]
        if not tasks:
            return
        longest = max(len(task.fields["name"]) for task in tasks)
        names = min(longest, max(_NARROWEST_NAME, self.console.width - _BAR_WIDTH - _BESIDE))
        for task in tasks:
            yield self._line(task, names)
            if task.fields["doing"]:
                yield Padding(Text(task.fields["doing"], overflow="fold"), (0, 0, 0, 2))

    def _line(self, task: Task, names: int) -> Table:
        line = Table.grid(padding=(0, 1))
        line.add_column(width=names, overflow="fold")
        line.add_column(width=_BAR_WIDTH)
        line.add_column(width=4, no_wrap=True)
        line.add_column(min_width=7, no_wrap=True)
        percentage = f"{task.percentage:>3.0f}%"
        line.add_row(Text(task.fields["name"]), _BAR.render(task), Text(percentage), _ELAPSED.render(task))
        return line


_BAR = BarColumn(bar_width=_BAR_WIDTH)
_ELAPSED = TimeElapsedColumn()


def watch_runs(title: str, runs: Mapping[str, Sequence[AnyRun]]) -> "AnyWatch":
    """The display of these runs' progress: bars on a terminal that can move its cursor, else lines."""
    console = remarks()
    drawn = console.is_terminal and not console.is_dumb_terminal and console.file.isatty()
    return Watch(title, runs, console) if drawn else Lines(title, runs)


class Watch:
    """A progress bar for each cost center: days recorded of all days, and what it is doing or waiting for."""

    def __init__(self, title: str, runs: Mapping[str, Sequence[AnyRun]], console: PlainConsole) -> None:
        self._title = title
        self._runs = runs
        self._progress = _Bars(console=console, transient=True)
        self._tasks: dict[str, TaskID] = {}
        self._numbers: dict[str, int] = {}
        self._overall_task: TaskID | None = None

    def __enter__(self) -> Self:
        console = self._progress.console
        console.print(Text(self._title))
        self._progress.start()
        fits = len(self._runs) <= min(_MOST_BARS, max(1, console.height // _LINES_A_BAR))
        if not fits:
            self._overall_task = self._progress.add_task("", total=len(self._runs), name="all", doing="")
        for name, runs in self._runs.items():
            total = sum(run.days * len(progress_assets(run)) for run in runs)
            self._tasks[name] = self._progress.add_task(
                "", total=total, name=name, doing="starting", start=False, visible=fits
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def tick(self) -> None:
        """Do nothing: rich redraws by itself."""

    def stopping(self) -> None:
        """Say that the runs are being ended."""
        for task in self._tasks.values():
            self._progress.update(task, doing="stopping; Ctrl-C again kills")

    def remark(self, text: str) -> None:
        """Write a line above the bars."""
        self._progress.console.print(Text(shown(text)))

    def preparing(self, count: int) -> None:
        """Show how many cost centers wait for CircleCI to prepare their exports."""
        if self._overall_task is not None:
            self._progress.update(self._overall_task, doing=f"{count} wait for their exports" if count else "")

    def end_lane(self, name: str) -> None:
        """Count a lane that has ended; a failure is a sentence at the end of the command."""
        if self._overall_task is not None:
            self._progress.update(self._tasks[name], visible=False)
            self._progress.advance(self._overall_task)

    def show_event(self, name: str, event: Mapping[str, Any]) -> None:
        """Show one event of a worker."""
        task = self._tasks[name]
        match event["event"]:
            case "run":
                self._numbers[name] = event["number"]
                self._progress.start_task(task)
                self._progress.update(task, visible=True)
                self._doing(name, "preparing")
            case "step":
                if event["name"] in STEPS:
                    self._doing(name, STEPS[event["name"]])
            case "materialized" if event["asset"] in progress_assets(self._runs[name][self._numbers[name]]):
                self._progress.advance(task)
            case "waiting":
                text = event["text"]
                self._doing(name, f"waiting, about {duration(event['seconds'])}: {without_subject(text)}", text)
            case "part":
                total = f" of {size(event['total'])}" if event["total"] else ""
                self._doing(name, f"downloading part {event['part']} of {event['parts']}, {size(event['done'])}{total}")
            case "lock":
                self._doing(name, event["text"])
            case "message":
                self._doing(name, "fetching", event["text"])

    def _doing(self, name: str, doing: str, text: str = "") -> None:
        runs, number = self._runs[name], self._numbers.get(name, 0)
        about = joined(export_count(runs, number), days_of(text) or runs[number].title)
        self._progress.update(self._tasks[name], doing=shown(f"{about}: {doing}" if about else doing))


AnyWatch: TypeAlias = Watch | Lines
