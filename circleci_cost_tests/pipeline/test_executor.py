"""Whatever executes the runs of the code location, a run holds its lock while it is executed."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest

from circleci_cost.config.settings import load_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.run_locks import dead_run, locked_runs
from circleci_cost_tests.pipeline.harness import Site

SEEN = "seen"


class Watching(dg.Executor):
    """Dagster's in-process executor; notes in the data directory which runs are locked, and by a living process."""

    def __init__(self, executor: dg.Executor, lake: Lake) -> None:
        self._executor = executor
        self._lake = lake

    @property
    def retries(self) -> Any:
        return self._executor.retries

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[Any]:
        for run_id in locked_runs(self._lake):
            with dead_run(self._lake, run_id) as process:
                said = f"{run_id} {'alive' if process is None else 'dead'}\n"
                with (self._lake.root / SEEN).open("a") as file:
                    file.write(said)
        yield from self._executor.execute(plan_context, execution_plan)


def watching(lake: Lake) -> dg.ExecutorDefinition:
    def create(context: dg.InitExecutorContext) -> dg.Executor:
        make: Any = dg.in_process_executor.executor_creation_fn
        return Watching(make(context), lake)

    return dg.ExecutorDefinition(
        "watching", config_schema=cast(Any, dg.in_process_executor.config_schema), executor_creation_fn=create
    )


def job(configuration: str, executor: str) -> dg.JobDefinition:
    """What Dagster calls in whichever process executes the run, or a step of it."""
    settings = load_settings(Path(configuration))
    lake = Lake(settings.data_dir)
    chosen = {"watching": watching(lake), "multiprocess": dg.multiprocess_executor}[executor]
    return build_definitions(settings, executor=chosen).resolve_job_def("reprice")


def executed(site: Site, instance: dg.DagsterInstance, executor: str) -> dg.DagsterRun:
    reconstructable = dg.build_reconstructable_job(__name__, "job", cast(Any, (str(site.configuration), executor)))
    result = dg.execute_job(reconstructable, instance, asset_selection=[dg.AssetKey("pricing_periods")])
    assert result.success
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return run


def test_a_given_executor_executes_the_run_while_its_lock_is_held(site: Site) -> None:
    assert site.definitions.resolve_job_def("reprice").executor_def.name == "in_process"
    run = executed(site, site.instance, "watching")
    assert (site.lake.root / SEEN).read_text() == f"{run.run_id} alive\n"


@pytest.mark.skipif(os.environ.get("CIRCLECI_COST_LONG") != "1", reason="a process a step takes ten seconds")
def test_steps_in_processes_of_their_own_make_their_assets_under_the_lock_of_their_run(site: Site) -> None:
    with dg.instance_for_test() as instance:
        run = executed(site, instance, "multiprocess")
        assert run.run_id in locked_runs(site.lake)
        made = instance.get_latest_materialization_event(dg.AssetKey("pricing_periods"))
        assert made is not None
        assert made.run_id == run.run_id
