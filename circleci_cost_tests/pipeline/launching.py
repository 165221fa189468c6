"""A launcher that only notes which runs Dagster's queue hands it; `dagster.yaml` of a test names it."""

from typing import Any

from dagster._core.launcher import LaunchRunContext, RunLauncher
from dagster._serdes import ConfigurableClass, ConfigurableClassData


class NotingLauncher(RunLauncher, ConfigurableClass):
    """Dagster's own launchers start processes; who is let out of the queue is known before that."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self.launched: list[str] = []
        self._inst_data = inst_data

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> Any:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "NotingLauncher":
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        self.launched.append(context.dagster_run.run_id)

    def terminate(self, run_id: str) -> bool:
        return False
