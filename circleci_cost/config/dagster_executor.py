"""The section `[dagster]`: what executes the steps of a run.

`defs.executors` builds it. What launches runs, and how many there are at once, is in `dagster.yaml`.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from circleci_cost.sections.section import Label, Section, VariableName, mistake_within

IN_PROCESS, MULTIPROCESS, CELERY, KUBERNETES = "in-process", "multiprocess", "celery", "k8s"


class Celery(Section):
    """`[dagster.celery]`: the variables that hold the addresses of Celery's broker and of its results."""

    broker_url_env: VariableName = "CELERY_BROKER_URL"
    backend_url_env: VariableName = "CELERY_RESULT_BACKEND"


class Kubernetes(Section):
    """`[dagster.kubernetes]`: what differs between the pods of steps and the pod of their run."""

    image: Label | None = None
    namespace: Label | None = None
    service_account_name: Label | None = None


class DagsterExecutor(Section):
    """`[dagster]`: by default a run executes its steps itself, one after the other."""

    executor: Literal["in-process", "multiprocess", "celery", "k8s"] = "in-process"
    max_concurrent: Annotated[int, Field(ge=1, le=1000)] | None = None
    celery: Celery = Celery()
    kubernetes: Kubernetes = Kubernetes()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.max_concurrent is not None and self.executor not in {MULTIPROCESS, KUBERNETES}:
            raise mistake_within(
                ("max_concurrent",),
                f'steps run at once only with executor = "multiprocess" or "k8s", and it is "{self.executor}"; '
                "remove the key, or name one of them",
            )
        return self
