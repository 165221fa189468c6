"""Checks names that refer to other sections: dimensions and virtual tags in conditions, parents and owners of budgets.

Each section checks its own values in its own module.
"""

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TypeAlias

from circleci_cost.config.notifications import NotificationOwner
from circleci_cost.model.allocation.definition import VirtualTag
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.usage.conditions import CONDITION_DIMENSIONS, Conditions
from circleci_cost.sections.section import mistake_at, refuse_repeated, unknown_name

Location: TypeAlias = tuple[str | int, ...]


def check_references(
    tags: Sequence[VirtualTag],
    budgets: Sequence[Budget],
    owners: Sequence[NotificationOwner],
    *,
    all_budgets_here: bool,
) -> None:
    """Refuse names that nothing defines, repeated names, and circles. Raises a mistake with its place in the file.

    Budgets in other files may be parents of those here; then the hierarchy is checked when those files are read.
    """
    names = [tag.name for tag in tags]
    refuse_repeated(("virtual_tags",), "virtual tag", names)
    for index, tag in enumerate(tags):
        for location, name in _dimensions_used(tag):
            _refuse_unknown(("virtual_tags", index, *location), name, names)
    evaluation_order(tags)
    for index, budget in enumerate(budgets):
        check_scope(f"the budget {budget.name!r}", budget.where, names, ("budgets", index, "where"))
        check_owner(budget, owners, ("budgets", index, "owner"))
    if all_budgets_here:
        check_hierarchy(budgets)
    for index, owner in enumerate(owners):
        check_scope(f"the owner {owner.name!r}", owner.where, names, ("notifications", "owners", index, "where"))


def _dimensions_used(tag: VirtualTag) -> Iterator[tuple[Location, str]]:
    for index, rule in enumerate(tag.rules):
        for name in rule.where.dimensions:
            yield ("rules", index, "where"), name
        if rule.value_of:
            yield ("rules", index, "value_of"), rule.value_of


def evaluation_order(tags: Sequence[VirtualTag]) -> list[VirtualTag]:
    """The tags, each after the tags that its rules use. Raises a mistake that names a circle."""
    by_name = {tag.name: tag for tag in tags}
    graph = {tag.name: [name for name in tag.asked_for if name in by_name] for tag in tags}
    try:
        return [by_name[name] for name in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        raise mistake_at(
            ("virtual_tags", list(by_name).index(circle[0])),
            f"virtual tags use each other in a circle, {' → '.join(circle)}; take one of these conditions out",
        ) from None


def check_scope(what: str, where: Conditions, tags: Sequence[str], location: Location) -> None:
    """Refuse a scope with an unknown dimension or with two virtual tags. Raises a mistake."""
    for name in where.dimensions:
        _refuse_unknown(location, name, tags)
    used = [name for name in where.dimensions if name in tags]
    if len(used) > 1:
        raise mistake_at(
            location,
            f"{what} asks for {' and '.join(used)}, and one virtual tag is the most; make a tag of both",
        )


def check_owner(budget: Budget, owners: Sequence[NotificationOwner], location: Location) -> None:
    """Refuse an owner without a section, where any owner has a section. Raises a mistake."""
    names = [owner.name for owner in owners]
    if owners and budget.owner is not None and budget.owner not in names:
        raise mistake_at(location, unknown_name(budget.owner, names, "no [[notifications.owners]]"))


def check_hierarchy(budgets: Sequence[Budget]) -> None:
    """Refuse repeated names, unknown parents, circles, parents of another period or unit. Raises a mistake."""
    names = [budget.name for budget in budgets]
    refuse_repeated(("budgets",), "budget", names)
    by_name = dict(zip(names, budgets, strict=True))
    for index, budget in enumerate(budgets):
        if budget.parent is None:
            continue
        location = ("budgets", index, "parent")
        if budget.parent not in by_name:
            raise mistake_at(location, unknown_name(budget.parent, names, "no budget"))
        parent = by_name[budget.parent]
        if (parent.period, parent.unit) != (budget.period, budget.unit):
            raise mistake_at(
                location,
                f"{budget.name!r} is per {budget.period} in {budget.unit}, its parent {parent.name!r} per "
                f"{parent.period} in {parent.unit}; make them the same",
            )
    try:
        TopologicalSorter({budget.name: [budget.parent] if budget.parent else [] for budget in budgets}).prepare()
    except CycleError as error:
        circle = list(reversed(error.args[1]))
        raise mistake_at(
            ("budgets", names.index(circle[0]), "parent"),
            f"budgets are each other's parents, {' → '.join(circle)}; take one parent out",
        ) from None


def _refuse_unknown(location: Location, name: str, tags: Sequence[str]) -> None:
    known = [*CONDITION_DIMENSIONS, *tags]
    if name not in known:
        raise mistake_at(location, unknown_name(name, known, "neither a dimension nor a virtual tag"))
