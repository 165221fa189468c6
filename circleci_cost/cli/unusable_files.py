"""Says which optional files of the configuration cannot be used: the command goes on without them, and ends with 5.

Finding them is the job of `config.unusable_files`.
"""

from collections.abc import Iterable

import click

from circleci_cost.cli.invocation import LEFT_OUT
from circleci_cost.cli.streams import say
from circleci_cost.config.settings import Settings
from circleci_cost.config.unusable_files import unusable_files
from circleci_cost.errors import ConfigurationError
from circleci_cost.named_files.file_problem import FileProblem
from circleci_cost.text.plain import one_line


def say_partial(problems: Iterable[FileProblem]) -> None:
    """Say each problem; if there is one, the command's exit code becomes 5 unless it has another one."""
    for problem in problems:
        say(f"Partial: {one_line(str(problem))}")
        if (context := click.get_current_context(silent=True)) is not None:
            context.meta[LEFT_OUT] = True


def refuse_unusable(settings: Settings) -> None:
    """Refuse to apply a file that is being edited and has a mistake. Raises `ConfigurationError`."""
    for problem in unusable_files(settings):
        raise ConfigurationError(problem.sentence)
