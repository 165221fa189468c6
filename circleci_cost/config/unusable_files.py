"""The optional files of the configuration that cannot be used as they are now: what needs them goes on without.

The readers of the files say what goes on without them.
"""

from collections.abc import Iterable

from circleci_cost.config.budget_definitions import usable_budgets
from circleci_cost.config.credit_purchases import usable_credits
from circleci_cost.config.settings import Settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.allocation.planning import prepare_usable
from circleci_cost.model.incidents.decisions import DECISIONS_STAY, read_decisions
from circleci_cost.named_files.file_problem import FileProblem


def unusable_files(settings: Settings) -> list[FileProblem]:
    """The files of virtual tags, budgets, purchases and decisions that cannot be used as they are now."""
    return [
        *tag_problems(settings),
        *usable_budgets(settings).problems,
        *usable_credits(settings).problems,
        *_decisions(settings),
    ]


def tag_problems(settings: Settings) -> tuple[FileProblem, ...]:
    """The files of virtual tags that cannot be used."""
    return prepare_usable(settings.virtual_tags, settings.resolve).problems


def _decisions(settings: Settings) -> Iterable[FileProblem]:
    if settings.anomalies.decisions is not None:
        path = settings.resolve(settings.anomalies.decisions)
        try:
            read_decisions(path)
        except ConfigurationError as error:
            yield FileProblem("anomalies", path, str(error), DECISIONS_STAY)
