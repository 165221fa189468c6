"""Whatever executes the runs of the code location, a run holds its lock while it is executed."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import pytest

from circleci_cost.config.settings import load_settings
from circleci_cost.definitions import build_definitions
from circleci_cost.errors import ConfigurationError
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


def configured(site: Site, section: str) -> dg.ExecutorDefinition:
    """The executor of the jobs under a section `[dagster]`."""
    site.sections = section
    return site.definitions.resolve_job_def("reprice").executor_def


def options(executor: dg.ExecutorDefinition) -> dict[str, Any]:
    """What Dagster hands the executor."""
    resolved: Any = executor.apply_config_mapping({"config": {}})
    return dict(resolved.value["config"])


@pytest.mark.parametrize(
    ("section", "name", "expected"),
    [
        ("", "in_process", {}),
        ('[dagster]\nexecutor = "multiprocess"\nmax_concurrent = 3\n', "multiprocess", {"max_concurrent": 3}),
        (
            '[dagster]\nexecutor = "celery"\n[dagster.celery]\nbroker_url_env = "QUEUE_URL"\n',
            "celery",
            {"broker": "redis://:secret@queue/0", "backend": "redis://results/1"},
        ),
        (
            '[dagster]\nexecutor = "k8s"\n[dagster.kubernetes]\nimage = "registry.example.com/cost:1"\n'
            'namespace = "cost"\nservice_account_name = "runs"\n',
            "k8s",
            {"job_image": "registry.example.com/cost:1", "job_namespace": "cost", "service_account_name": "runs"},
        ),
    ],
)
def test_the_configuration_names_the_executor_and_its_options(
    site: Site, monkeypatch: pytest.MonkeyPatch, section: str, name: str, expected: dict[str, Any]
) -> None:
    monkeypatch.setenv("QUEUE_URL", "redis://:secret@queue/0")
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "redis://results/1")
    executor = configured(site, section)
    assert executor.name == name
    actual = options(executor)
    assert {key: actual.get(key) for key in expected} == expected


def test_an_executor_whose_library_is_missing_is_named_with_the_way_to_install_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("dagster_celery", "dagster_k8s"):
        monkeypatch.setitem(sys.modules, library, None)
    assert configured(site, "").name == "in_process"
    with pytest.raises(ConfigurationError) as refusal:
        configured(site, '[dagster]\nexecutor = "k8s"\n')
    assert str(refusal.value) == (
        'executor = "k8s" in [dagster] needs dagster_k8s, which is not installed; run `pip install '
        "'circleci_cost[k8s]'`, or remove the key to execute steps in the process of their run."
    )


def test_a_key_of_another_executor_is_refused(site: Site) -> None:
    with pytest.raises(ConfigurationError, match="max_concurrent") as refusal:
        configured(site, '[dagster]\nexecutor = "celery"\nmax_concurrent = 3\n')
    assert 'steps run at once only with executor = "multiprocess" or "k8s"' in str(refusal.value)


def test_an_executor_of_celery_finds_its_own_arguments_through_the_one_that_holds_the_lock(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its loop asks the run's executor for them; without them no step reaches a worker."""
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://queue/0")
    monkeypatch.setenv("CELERY_RESULT_BACKEND", "redis://results/1")
    executor = configured(site, '[dagster]\nexecutor = "celery"\n')
    creation: Any = executor.executor_creation_fn
    context = SimpleNamespace(executor_config=options(executor))
    arguments = creation(context).app_args()
    assert (arguments["broker"], arguments["backend"]) == ("redis://queue/0", "redis://results/1")


def test_a_process_that_executes_runs_in_turn_gives_back_the_locks_of_those_that_have_ended(site: Site) -> None:
    first, second = executed(site, site.instance, "watching"), executed(site, site.instance, "watching")
    assert locked_runs(site.lake) == [second.run_id]
    assert first.run_id != second.run_id


@pytest.mark.skipif(os.environ.get("CIRCLECI_COST_LONG") != "1", reason="a process a step takes ten seconds")
def test_steps_in_processes_of_their_own_make_their_assets_under_the_lock_of_their_run(site: Site) -> None:
    with dg.instance_for_test() as instance:
        run = executed(site, instance, "multiprocess")
        assert run.run_id in locked_runs(site.lake)
        made = instance.get_latest_materialization_event(dg.AssetKey("pricing_periods"))
        assert made is not None
        assert made.run_id == run.run_id
