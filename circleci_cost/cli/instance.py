"""The Dagster instance that runs are recorded in: DAGSTER_HOME, else a folder beside the configuration."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from circleci_cost.config.dagster_home import VARIABLE, dagster_home
from circleci_cost.config.settings import Settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.lake.files import storage_errors, write_atomic

_SETTINGS = "dagster.yaml"


def prepare_dagster_home(settings: Settings) -> Path:
    """Return the instance's folder, made and set up where it is missing; DAGSTER_HOME names it from now on.

    Raises `ConfigurationError` for a DAGSTER_HOME that Dagster would refuse, `StorageError` where it cannot be
    written.
    """
    home = dagster_home(settings)
    if not home.is_absolute():
        raise ConfigurationError(f"DAGSTER_HOME={home} is not an absolute path; write it as {Path.cwd() / home}.")
    if home.exists() and not home.is_dir():
        raise ConfigurationError(f"DAGSTER_HOME={home} is not a folder; name one, or unset the variable.")
    with storage_errors(home):
        # Whoever can write here can make Dagster load any code, and nobody else needs to read it.
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (home / _SETTINGS).exists():
        write_atomic(home / _SETTINGS, resources.files(__package__).joinpath(_SETTINGS).read_bytes())
    os.environ[VARIABLE] = str(home)
    return home


@contextmanager
def instance_errors() -> Iterator[None]:
    """Turn storage errors of Dagster's record of runs into a sentence; put it around work on the instance."""
    home = os.environ[VARIABLE]
    damaged = (
        f"Move {home} away: it records runs, and holds no usage and no costs; then run the same command again, which "
        "begins a new one."
    )
    with storage_errors(f"DAGSTER_HOME {home}", "use", damaged):
        yield
