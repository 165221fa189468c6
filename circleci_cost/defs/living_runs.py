"""The lock that proves that a run lives, and the stop of a run that was ended meanwhile.

Whoever executes a run holds its lock: in the code location the executor built here, on the command line its workers.
`dead_runs` ends runs whose lock nobody holds.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from circleci_cost.lake.layout import Lake
from circleci_cost.lake.run_locks import RunLock, lock_run

if TYPE_CHECKING:
    from dagster._core.execution.retries import RetryMode

    from circleci_cost.lake.run_leases import RunLease

# An export job may take four hours, and waiting for quota another one: a longer run has lost its host.
MAX_RUNTIME_SECONDS = 8 * 3600
# Held until this process ends or begins another run: Dagster records a run's end only after its executor is done.
_HELD: "dict[str, RunLock | RunLease]" = {}


def build_executor(lake: Lake, executor: dg.ExecutorDefinition = dg.in_process_executor) -> dg.ExecutorDefinition:
    """A Dagster executor whose process holds the run's lock in `lake` from before the first step until it ends."""
    schema: Any = executor.config_schema

    def create(context: dg.InitExecutorContext) -> dg.Executor:
        make: Any = executor.executor_creation_fn
        return _LivingExecutor(make(context), lake)

    return dg.ExecutorDefinition(
        executor.name, config_schema=schema, requirements=executor.get_requirements, executor_creation_fn=create
    )


class _LivingExecutor(dg.Executor):
    """Takes the run's lock, then lets another executor do its work."""

    def __init__(self, executor: dg.Executor, lake: Lake) -> None:
        self._executor = executor
        self._lake = lake

    @property
    def retries(self) -> "RetryMode":
        """The other executor's retries."""
        return self._executor.retries

    def __getattr__(self, name: str) -> Any:
        """Whatever else the other executor has: that of Celery asks it for the arguments of its application."""
        return getattr(self._executor, name)

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        """Execute the plan of a run."""
        _release_ended(plan_context.instance)
        _HELD[plan_context.run_id] = lock_run(self._lake, plan_context.run_id)
        yield from self._executor.execute(plan_context, execution_plan)


def _release_ended(instance: dg.DagsterInstance) -> None:
    """Give back the locks of runs whose end is recorded: a process of Celery executes one run after the other."""
    for run_id in list(_HELD):
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            _HELD.pop(run_id).release()


def refuse_if_ended(context: dg.AssetExecutionContext) -> None:
    """Interrupt the step of a run that was ended: another run may have taken over its days.

    Call it after the last wait, right before writing. Raises `DagsterExecutionInterruptedError`, after which Dagster
    leaves the recorded end as it is.
    """
    run = context.instance.get_run_by_id(context.run.run_id)
    if run is not None and run.is_finished:
        context.log.warning(f"This run was ended ({run.status.value}) while it was at work; it writes nothing more.")
        raise dg.DagsterExecutionInterruptedError
