"""The proper names of what a question asks for: dimensions, virtual tags and their values.

What is asked of them is said in `filters` and `report`.
"""

from collections.abc import Iterable, Sequence

from circleci_cost.errors import ConfigurationError, UsageError
from circleci_cost.model.usage.dimensions import DIMENSIONS, RUN_DIMENSIONS
from circleci_cost.model.usage.display_names import dimension_name
from circleci_cost.text.plain import quoted, same_name
from circleci_cost.text.suggestions import did_you_mean, suggestion_or_all


def dimension(name: str, tags: Sequence[str] = (), *, of_runs: bool = False) -> str:
    """Return the proper name of a dimension or virtual tag. Raises `UsageError` with the nearest names.

    `of_runs`: whether dimensions that only single job runs tell may be asked for.
    """
    wanted = column_form(name)
    known = (*DIMENSIONS, *(RUN_DIMENSIONS if of_runs else ()), *tags)
    if wanted in known:
        return wanted
    if wanted in RUN_DIMENSIONS:
        raise UsageError(
            f"{wanted} is told by single job runs, which only `circleci-cost report` and the explorer's first page "
            "look into; ask there."
        )
    near = did_you_mean(wanted, known, 3)
    hint = f"{near} There are" if near else "there are"
    raise UsageError(f"There is no dimension {quoted(name)}; {hint}: {', '.join(known)}.")


def tag_named(name: str, tags: Sequence[str]) -> str:
    """Return the proper name of a virtual tag. Raises `UsageError` with the nearest names."""
    wanted = column_form(name)
    if wanted in tags:
        return wanted
    hint = suggestion_or_all(wanted, tags, 3)
    raise UsageError(f"There is no virtual tag {quoted(name)}; {hint}")


def known_value(name: str, value: str, known: Iterable[str]) -> str:
    """Return the proper form of a dimension's value. Raises `UsageError` with the nearest values.

    An organization or cost center is named by the configuration, so an unknown one raises `ConfigurationError`, as
    everywhere.
    """
    values = {same_name(known_name): known_name for known_name in known}
    if same_name(value) in values:
        return values[same_name(value)]
    hint = did_you_mean(same_name(value), sorted(values), 3)
    hint = hint or f"`circleci-cost report --by {name}` shows all that there are."
    error = ConfigurationError if name in {"organization", "cost_center"} else UsageError
    raise error(f"No usage has the {dimension_name(name)} {quoted(value)}; {hint}")


def column_form(name: str) -> str:
    """A name as columns are written: `Resource-Class` is `resource_class`."""
    return name.strip().lower().replace("-", "_")
