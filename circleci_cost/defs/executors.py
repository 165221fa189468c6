"""The executor of `[dagster]`: what executes the steps of a run, from Dagster or one of its libraries.

`living_runs` lets it work under the lock of its run; what launches runs is in `dagster.yaml`.
"""

import importlib
from typing import Any

import dagster as dg

from circleci_cost.config.dagster_executor import CELERY, IN_PROCESS, KUBERNETES, MULTIPROCESS, DagsterExecutor
from circleci_cost.errors import ConfigurationError

# Executor: the module of the library that has it, its name there, and the extra that installs it.
_LIBRARIES = {
    CELERY: ("dagster_celery", "celery_executor", "celery"),
    KUBERNETES: ("dagster_k8s", "k8s_job_executor", "k8s"),
}


def configured_executor(section: DagsterExecutor) -> dg.ExecutorDefinition:
    """The executor that the section names. Raises `ConfigurationError` where its library is not installed."""
    if section.executor == IN_PROCESS:
        return dg.in_process_executor
    definition = dg.multiprocess_executor if section.executor == MULTIPROCESS else _from_library(section.executor)
    options = _options(section)
    return definition.configured(options, name=definition.name) if options else definition


def _options(section: DagsterExecutor) -> dict[str, Any]:
    if section.executor == CELERY:
        # Dagster reads the variables where a run begins: no address, which may hold a password, is in its records.
        return {"broker": {"env": section.celery.broker_url_env}, "backend": {"env": section.celery.backend_url_env}}
    options: dict[str, Any] = {"max_concurrent": section.max_concurrent}
    if section.executor == KUBERNETES:
        options |= {
            "job_image": section.kubernetes.image,
            "job_namespace": section.kubernetes.namespace,
            "service_account_name": section.kubernetes.service_account_name,
        }
    return {name: value for name, value in options.items() if value is not None}


def _from_library(executor: str) -> dg.ExecutorDefinition:
    module, attribute, extra = _LIBRARIES[executor]
    try:
        definition: dg.ExecutorDefinition = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f'executor = "{executor}" in [dagster] needs {error.name}, which is not installed; run '
            f"`pip install 'circleci_cost[{extra}]'`, or remove the key to execute steps in the process of their run."
        ) from None
    return definition
