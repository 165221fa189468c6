"""The users' names of the file that `[actors]` names, as far as it can be used.

Reading the file is `model.efficiency.trigger_users`' job.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from circleci_cost.config.settings import Settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.efficiency.trigger_users import WITHOUT_NAMES, read_user_names
from circleci_cost.named_files.file_problem import FileProblem


@dataclass(frozen=True, repr=False)
class UserNames:
    """The names by id, and why there are none where the file cannot be used."""

    by_id: Mapping[str, str]
    problems: tuple[FileProblem, ...] = ()


def usable_user_names(settings: Settings) -> UserNames:
    """The names as the file has them now; without a file, or with one that cannot be used, there are none."""
    file = settings.actors.trigger_user_names
    if file is None:
        return UserNames({})
    path = settings.resolve(file)
    try:
        return UserNames(read_user_names(path))
    except ConfigurationError as error:
        return UserNames({}, (FileProblem("actors", path, str(error), WITHOUT_NAMES),))
