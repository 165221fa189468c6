"""Says on the terminal what the last reading of infrastructure costs refused or noticed; the run itself goes on.

`lake.infrastructure` reads the files, `infrastructure_findings` looks at them beforehand.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from circleci_cost.cli.streams import say
from circleci_cost.config.settings import Settings
from circleci_cost.errors import PARTIAL_DATA
from circleci_cost.lake.infrastructure_state import InfrastructureState, read_state
from circleci_cost.lake.layout import open_lake


def last_reading(settings: Settings) -> InfrastructureState:
    """The state of the last reading, for the sources that are configured now."""
    return read_state(open_lake(settings.data_dir)).of(source.name for source in settings.infrastructure)


def say_infrastructure(settings: Settings) -> None:
    """Say what the last reading noticed; where it refused a source, end the command with exit code 5."""
    state = last_reading(settings)
    for notice in state.notices:
        say(notice)
    if state.refusals:
        raise click.exceptions.Exit(PARTIAL_DATA)


@contextmanager
def saying_infrastructure(settings: Settings) -> Iterator[None]:
    """Say what the last reading noticed after the block, also where the block ends the command with an exit code."""
    try:
        yield
    except click.exceptions.Exit as exit_request:
        if exit_request.exit_code == PARTIAL_DATA:
            say_infrastructure(settings)
        raise
    say_infrastructure(settings)
