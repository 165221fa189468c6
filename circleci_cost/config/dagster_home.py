"""Where the record of runs lies: DAGSTER_HOME, else a folder beside the configuration. Nothing is opened or made."""

import os
from pathlib import Path

from circleci_cost.config.settings import Settings
from circleci_cost.errors import ConfigurationError

FOLDER = ".dagster_home"
VARIABLE = "DAGSTER_HOME"


def dagster_home(settings: Settings) -> Path:
    """The instance's folder: DAGSTER_HOME, else the one beside the configuration. Nothing is created."""
    named = os.environ.get(VARIABLE, "").strip()
    try:
        return Path(named).expanduser() if named else _beside(settings)
    except RuntimeError:
        raise ConfigurationError(
            f"DAGSTER_HOME={named} names a user that this machine does not have; write the whole path."
        ) from None


def _beside(settings: Settings) -> Path:
    folder = settings.source_file.parent if settings.source_file else Path.cwd()
    return folder / FOLDER
