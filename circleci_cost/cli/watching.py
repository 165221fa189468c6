"""Draws the progress of runs on stderr, one line per cost center; on anything but a terminal it draws nothing."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from circleci_cost.circleci.wording import duration, size
from circleci_cost.cli.streams import remarks, shown

if TYPE_CHECKING:
    from circleci_cost.cli.runs import AnyRun

_BAR_WIDTH = 24
# More cost centers than fit on a screen have a bar only while they are at work, below one for all.
_MOST_BARS = 20
_STEPS = {
    "usage_exports": "fetching",
    "job_runs": "reading",
    "pricing_periods": "spreading prices",
    "daily_costs": "pricing",
    "allocated_costs": "allocating",
    "cost_forecast": "forecasting",
    "budget_status": "comparing with budgets",
    "published": "publishing",
    "notifications": "notifying",
}
# What each job records day by day, which is what the bar counts.
_RECORDED = {
    "ingest": ("usage_exports", "job_runs"),
    "reprice": ("daily_costs",),
    "refresh": ("usage_exports", "job_runs", "daily_costs"),
    "allocate": ("published",),
    "check": (),
}


class Watch:
    """A progress bar for each cost center: days recorded of all days, and what it is doing or waiting for."""

    def __init__(self, title: str, runs: Mapping[str, Sequence["AnyRun"]]) -> None:
        console = remarks()
        self._title = title
        self._runs = runs
        self._progress = Progress(
            TextColumn("{task.fields[name]}", table_column=Column(no_wrap=True, min_width=max(map(len, runs)))),
            BarColumn(bar_width=_BAR_WIDTH, table_column=Column(min_width=_BAR_WIDTH)),
            TextColumn("{task.percentage:>3.0f}%", table_column=Column(no_wrap=True, min_width=4)),
            TimeElapsedColumn(table_column=Column(no_wrap=True, min_width=7)),
            # On a narrow terminal this is the column that is cut.
            TextColumn("{task.fields[doing]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            console=console,
            expand=True,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._days: dict[str, str] = {}
        self._current: dict[str, AnyRun] = {}
        self._all: TaskID | None = None

    def __enter__(self) -> Self:
        console = self._progress.console
        if console.is_terminal:
            console.print(Text(self._title))
        self._progress.start()
        few = len(self._runs) <= _MOST_BARS
        if not few:
            self._all = self._progress.add_task("", total=len(self._runs), name="all", doing="")
        for name, runs in self._runs.items():
            total = sum(run.days * len(_recorded(run)) for run in runs)
            self._tasks[name] = self._progress.add_task(
                "", total=total, name=name, doing="starting", start=False, visible=few
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def tick(self) -> None:
        """Let time pass; rich draws by itself."""

    def stopping(self) -> None:
        """Say that the runs are being ended."""
        for task in self._tasks.values():
            self._progress.update(task, doing="stopping; Ctrl-C again kills")

    def remark(self, text: str) -> None:
        """Write a line above the bars; where there are none it is a line of stderr."""
        console = self._progress.console
        console.print(Text(shown(text)), soft_wrap=not console.is_terminal)

    def preparing(self, count: int) -> None:
        """Show how many cost centers wait for CircleCI to prepare their exports."""
        if self._all is not None:
            self._progress.update(self._all, doing=f"{count} wait for their exports" if count else "")

    def done(self, name: str) -> None:
        """Count a lane that has ended; its failure, if any, is a sentence at the end."""
        if self._all is not None:
            self._progress.update(self._tasks[name], visible=False)
            self._progress.advance(self._all)

    def heard(self, name: str, event: Mapping[str, Any]) -> None:
        """Show one event of a worker."""
        task = self._tasks[name]
        match event["event"]:
            case "run":
                runs, number = self._runs[name], event["number"]
                self._current[name] = run = runs[number]
                count = f" ({number + 1} of {len(runs)})" if len(runs) > 1 else ""
                self._days[name] = f"{run.title}{count}"
                self._progress.start_task(task)
                self._progress.update(task, visible=True)
                self._doing(name, "preparing")
            case "step":
                if event["name"] in _STEPS:
                    self._doing(name, _STEPS[event["name"]])
            case "materialized" if event["asset"] in _recorded(self._current[name]):
                self._progress.advance(task)
            case "waiting":
                # What the text is about stands on the line already.
                reason = event["text"].rpartition(": ")[2]
                self._doing(name, f"waiting, about {duration(event['seconds'])}: {reason}")
            case "part":
                total = f" of {size(event['total'])}" if event["total"] else ""
                self._doing(name, f"downloading part {event['part']} of {event['parts']}, {size(event['done'])}{total}")
            case "message":
                self._doing(name, "fetching")

    def _doing(self, name: str, what: str) -> None:
        self._progress.update(self._tasks[name], doing=shown(f"{self._days.get(name, '')} {what}".strip()))


def _recorded(run: "AnyRun") -> list[str]:
    return [asset for asset in _RECORDED[run.job] if not run.assets or asset in run.assets]
