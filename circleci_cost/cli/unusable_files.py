"""Says which optional files of the configuration cannot be used: the command goes on without them, and ends with 5.

The readers of the files say what goes on without them.
"""

from collections.abc import Iterable

import click

from circleci_cost.cli.invocation import LEFT_OUT
from circleci_cost.cli.streams import say
from circleci_cost.config.budget_definitions import usable_budgets
from circleci_cost.config.settings import Settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.allocation.planning import prepare_usable
from circleci_cost.model.incidents.decisions import DECISIONS_STAY, read_decisions
from circleci_cost.named_files.file_problem import FileProblem
from circleci_cost.text.plain import one_line


def unusable_files(settings: Settings) -> list[FileProblem]:
    """The files of virtual tags, budgets and decisions that cannot be used as they are now."""
    return [*tag_problems(settings), *usable_budgets(settings).problems, *_decisions(settings)]


def tag_problems(settings: Settings) -> tuple[FileProblem, ...]:
    """The files of virtual tags that cannot be used."""
    return prepare_usable(settings.virtual_tags, settings.resolve).problems


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


def _decisions(settings: Settings) -> Iterable[FileProblem]:
    if settings.anomalies.decisions is not None:
        path = settings.resolve(settings.anomalies.decisions)
        try:
            read_decisions(path)
        except ConfigurationError as error:
            yield FileProblem("anomalies", path, str(error), DECISIONS_STAY)
