"""How a run proves that it lives, and how one that was ended meanwhile is kept from going on.

Whoever executes a run holds its lock: the executor of the code location here, the command line's workers by
themselves. Ending runs that hold none is `dead_runs`' business.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from circleci_cost.lake.layout import Lake
from circleci_cost.lake.run_locks import RunLock, lock_run

if TYPE_CHECKING:
    from dagster._core.execution.retries import RetryMode

# An export job may take four hours, and the quota another: a run that takes longer has lost its host.
MAX_RUNTIME_SECONDS = 8 * 3600
# Held until this process ends: Dagster records the end of a run only after its executor is done.
_HELD: list[RunLock] = []


def build_executor(lake: Lake, executor: dg.ExecutorDefinition = dg.in_process_executor) -> dg.ExecutorDefinition:
    """An executor of Dagster's, which holds the run's lock in `lake` from before the first step to its own end."""
    schema: Any = executor.config_schema

    def create(context: dg.InitExecutorContext) -> dg.Executor:
        make: Any = executor.executor_creation_fn
        return _LivingExecutor(make(context), lake)

    return dg.ExecutorDefinition(
        executor.name, config_schema=schema, requirements=executor.get_requirements, executor_creation_fn=create
    )


class _LivingExecutor(dg.Executor):
    """Takes the run's lock, then does what another executor does."""

    def __init__(self, executor: dg.Executor, lake: Lake) -> None:
        self._executor = executor
        self._lake = lake

    @property
    def retries(self) -> "RetryMode":
        """As the other executor."""
        return self._executor.retries

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        """Execute the plan of a run."""
        _HELD.append(lock_run(self._lake, plan_context.run_id))
        yield from self._executor.execute(plan_context, execution_plan)


def refuse_if_ended(context: dg.AssetExecutionContext) -> None:
    """Interrupt the step of a run that somebody has ended: another run may have taken its days over.

    To be called once nothing is left to wait for, right before something is written. Raises
    `DagsterExecutionInterruptedError`, after which Dagster leaves the recorded end as it is.
    """
    run = context.instance.get_run_by_id(context.run.run_id)
    if run is not None and run.is_finished:
        context.log.warning(f"This run was ended ({run.status.value}) while it was at work; it writes nothing more.")
        raise dg.DagsterExecutionInterruptedError
