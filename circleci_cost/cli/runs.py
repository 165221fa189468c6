"""Executes Dagster runs, those of different cost centers side by side, and says which of them failed.

The runs are recorded in the Dagster instance like any other. `planned_runs` describes them, the processes of
`worker_pool` execute them, `watching` draws their progress.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from circleci_cost.assets import FOLLOWING
from circleci_cost.cli.instance import prepare_dagster_home
from circleci_cost.cli.left_over import say_left
from circleci_cost.cli.planned_runs import AnyRun, WholeRun, by_lane, prices
from circleci_cost.cli.unusable_files import say_partial
from circleci_cost.cli.waiting_messages import say_waiting
from circleci_cost.cli.watching import watch_runs
from circleci_cost.cli.worker_pool import WorkerPool
from circleci_cost.config.settings import Settings
from circleci_cost.config.unusable_files import unusable_files
from circleci_cost.errors import AuthorizationError, CircleciCostError


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
    # The user's own instance keeps its durability, whatever runs in it.
    disposable = settings.is_demo and not os.environ.get("DAGSTER_HOME")
    prepare_dagster_home(settings)
    # The standing checks look at all days of all cost centers: only the last of several runs needs them.
    once = len(runs) > 1
    pool = WorkerPool(settings, disposable=disposable)
    try:
        _run(pool, runs, title, standing_checks=not once)
        if once and any(run.partitions for run in pool.succeeded):
            _run(pool, [WholeRun("check", "checking")], "Checking")
        if any(prices(run) for run in pool.succeeded):
            _run(pool, [WholeRun("allocate", "publishing", FOLLOWING)], "Allocating and publishing")
    except KeyboardInterrupt:
        say_left(runs, pool.succeeded)
        raise
    pool.close()
    say_waiting(settings)
    say_partial(unusable_files(settings))
    if pool.failed:
        raise RunsFailedError([Failure(run, sentence, code) for run, sentence, code in pool.failed])


def _run(pool: WorkerPool, runs: Sequence[AnyRun], title: str, *, standing_checks: bool = True) -> None:
    lanes = by_lane(runs)
    with watch_runs(title, lanes) as watch:
        try:
            pool.run(lanes, watch, standing_checks=standing_checks)
        except KeyboardInterrupt:
            try:
                watch.stopping()
            finally:
                _stop(pool)
            raise


def _stop(pool: WorkerPool) -> None:
    try:
        pool.stop()
    except KeyboardInterrupt:
        pool.kill()
