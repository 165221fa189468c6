"""The owner of a project, or of a path in it, by its CODEOWNERS file, as a rule of a tag.

Which pattern of the file fits a path is the package `codeowners`' to say: the last one wins, as on GitHub.
"""

import re
from pathlib import Path

from codeowners import CodeOwners as Owners

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.allocation_files import decoded
from circleci_cost.model.allocation_plan import TagRule
from circleci_cost.model.conditions import Condition, Conditions, Operator
from circleci_cost.plain_text import same_name
from circleci_cost.sections.virtual_tags import CodeOwners


def read_owner(path: Path, content: bytes, entry: CodeOwners) -> TagRule | None:
    """The rule that gives a project's cost to the first owner of its path; None where nobody owns it.

    `entry.project` is a name or an id. Raises `ConfigurationError`.
    """
    try:
        owners = Owners(decoded(path, content))
    except (ValueError, re.error) as error:
        raise ConfigurationError(f"{path} has a pattern that cannot be read ({error}); correct it.") from error
    # `services/web` and `services/web/` are the same place, and patterns are written for either.
    place = same_name(entry.path).strip("/")
    found = [owners.matching_line(each) for each in (place, f"{place}/")]
    named, line = max(((owners_of, line or 0) for owners_of, line, _, _ in found), key=lambda match: match[1])
    if not named:
        return None
    owner = named[0][1]
    asked = tuple((Condition(name, Operator.IN, (entry.project,)),) for name in ("project", "project_id"))
    label = f"CODEOWNERS of {entry.project} line {line}"
    value = entry.values.get(owner, owner)
    return TagRule(label, Conditions(asked), value, None, entry.from_, entry.until, entry.project)


def without_owner(path: Path, entry: CodeOwners) -> str:
    """The warning for a project that its file gives to nobody."""
    return (
        f"{path} names no owner of {entry.path} for the project {entry.project!r}; add a line for it, such as * @team."
    )
