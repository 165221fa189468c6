"""Runs of the pipeline in processes of their own, forked from one that has imported everything already.

What is done to them is the tests' business: started at the same moment, or killed.
"""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

from circleci_cost.config.settings import load_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.defs.partitions import range_tags
from circleci_cost_tests.pipeline.harness import (
    COSTS,
    TOKEN,
    TOKEN_VARIABLE,
    BriskClock,
    ephemeral_instance,
    materialize,
)

_WARMED_UP = "circleci_cost_tests.pipeline.warmed_up"
_WORKER = "circleci_cost_tests.cli.forked_workers"


@dataclass(frozen=True)
class Task:
    """What a process is to do."""

    configuration: Path
    now: datetime
    cost_center: str
    first: date
    last: date
    assets: Sequence[str] = COSTS


def work(task: Task, prepare: Callable[[], None] | None = None) -> None:
    """Do a task; `prepare` is called first, in the new process."""
    os.environ[TOKEN_VARIABLE] = TOKEN
    if prepare is not None:
        prepare()
    definitions = build_definitions(load_settings(task.configuration), clock=BriskClock(task.now))
    with ephemeral_instance() as instance:
        materialize(definitions, instance, task.assets, range_tags(task.cost_center, task.first, task.last))


def start(function: Callable[..., None], *arguments: object) -> BaseProcess:
    """Start a process that calls `function`, which must be importable."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, _WORKER, _WARMED_UP])
    process = context.Process(target=function, args=arguments, daemon=True)
    process.start()
    return process


def ended(process: BaseProcess, seconds: float = 60) -> int | None:
    """Wait for a process and return its exit code; -9 is a SIGKILL."""
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"{process} is still at work after {seconds} s")
    return process.exitcode
