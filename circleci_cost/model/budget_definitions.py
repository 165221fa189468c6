"""All budgets there are: those of the configuration and of its CSV files, checked together.

Reading one file is `budget_files`' work, what budgets may say of each other `sections.references`'.
"""

import hashlib
import json
from collections.abc import Sequence

from pydantic_core import PydanticCustomError

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.budget_files import Place, read_budgets
from circleci_cost.sections.budgets import Budget
from circleci_cost.sections.references import check_hierarchy, check_owner, check_scope
from circleci_cost.settings import Settings


def all_budgets(settings: Settings) -> tuple[Budget, ...]:
    """The budgets of the configuration, then those of its files in their order. Raises `ConfigurationError`."""
    tags = [tag.name for tag in settings.virtual_tags]
    budgets: list[Budget] = list(settings.budgets)
    places: list[Place | None] = [None] * len(budgets)
    defined = {budget.name: settings.described_source for budget in budgets}
    for each in settings.budget_files:
        for budget, place in read_budgets(settings.resolve(each.file), tags):
            if budget.name in defined:
                raise ConfigurationError(
                    f"{place}, column name: the budget {budget.name!r} is defined in {defined[budget.name]} already; "
                    "give each its own name."
                )
            defined[budget.name] = str(place)
            budgets.append(budget)
            places.append(place)
    try:
        for index, budget in enumerate(budgets):
            check_scope(f"the budget {budget.name!r}", budget.where, tags, ("budgets", index, "where"))
            check_owner(budget, settings.notifications.owners, ("budgets", index, "owner"))
        check_hierarchy(budgets)
    except PydanticCustomError as mistake:
        raise _sentence(mistake, places, settings.described_source) from None
    return tuple(budgets)


def content_hash(budgets: Sequence[Budget]) -> str:
    """A hash of what the budgets say, wherever and in whatever order they are written."""
    canonical = sorted(
        json.dumps(
            {
                **budget.model_dump(mode="json", exclude={"where", "amount", "amounts"}),
                "where": repr(budget.where),
                "amounts": [
                    [format(each.amount.normalize(), "f"), str(each.from_), str(each.until)] for each in budget.timeline
                ],
            },
            sort_keys=True,
        )
        for budget in budgets
    )
    return hashlib.sha256(json.dumps(canonical).encode()).hexdigest()[:16]


def _sentence(mistake: PydanticCustomError, places: Sequence[Place | None], source: str) -> ConfigurationError:
    context = mistake.context or {}
    location = context.get("location", ())
    place = places[location[1]] if len(location) > 1 else None
    column = f", column {location[2]}" if place and len(location) > 2 and location[2] != "where" else ""
    return ConfigurationError(f"{place or source}{column}: {mistake.message()}.".replace("?.", "?"))
