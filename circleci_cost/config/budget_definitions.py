"""All budgets: those of the configuration and those of its CSV files, checked together.

`model.budgets.files` reads one file; `references` checks what budgets refer to.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic_core import PydanticCustomError

from circleci_cost.config.references import check_hierarchy, check_owner, check_scope
from circleci_cost.config.settings import Settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.files import Place, read_budgets
from circleci_cost.named_files.file_problem import FileProblem


@dataclass(frozen=True)
class UsableBudgets:
    """The budgets that can be used, and the files whose budgets are left out."""

    budgets: tuple[Budget, ...]
    problems: tuple[FileProblem, ...]


def all_budgets(settings: Settings) -> tuple[Budget, ...]:
    """The budgets of the configuration, then those of its files in their order. Raises `ConfigurationError`."""
    usable = usable_budgets(settings)
    if usable.problems:
        raise ConfigurationError(usable.problems[0].sentence)
    return usable.budgets


def usable_budgets(settings: Settings) -> UsableBudgets:
    """The same, without unusable files. Raises `ConfigurationError` for mistakes in the configuration itself.

    A budget whose parent is in such a file loses its parent.
    """
    tags = [tag.name for tag in settings.virtual_tags]
    placed: list[tuple[Budget, Place | None]] = [(budget, None) for budget in settings.budgets]
    problems: list[FileProblem] = []
    for section in settings.budget_files:
        path = settings.resolve(section.file)
        try:
            placed += _read(path, tags, placed, settings.described_source)
        except ConfigurationError as error:
            problems.append(_left_out(path, str(error)))
    while True:
        try:
            _check([budget for budget, _ in placed], tags, settings)
        except PydanticCustomError as mistake:
            placed = _without(placed, mistake, problems, settings)
        else:
            return UsableBudgets(tuple(budget for budget, _ in placed), tuple(problems))


def _read(
    path: Path, tags: Sequence[str], placed: Sequence[tuple[Budget, Place | None]], source: str
) -> list[tuple[Budget, Place | None]]:
    """The budgets of one file. Raises `ConfigurationError` for one that is defined already."""
    defined = {budget.name: str(place or source) for budget, place in placed}
    budgets: list[tuple[Budget, Place | None]] = []
    for budget, place in read_budgets(path, tags):
        if budget.name in defined:
            raise ConfigurationError(
                f"{place}, column name: the budget {budget.name!r} is defined in {defined[budget.name]} already; "
                "give each its own name."
            )
        defined[budget.name] = str(place)
        budgets.append((budget, place))
    return budgets


def _check(budgets: Sequence[Budget], tags: Sequence[str], settings: Settings) -> None:
    for index, budget in enumerate(budgets):
        check_scope(f"the budget {budget.name!r}", budget.where, tags, ("budgets", index, "where"))
        check_owner(budget, settings.notifications.owners, ("budgets", index, "owner"))
    check_hierarchy(budgets)


def _without(
    placed: Sequence[tuple[Budget, Place | None]],
    mistake: PydanticCustomError,
    problems: list[FileProblem],
    settings: Settings,
) -> list[tuple[Budget, Place | None]]:
    """The budgets without the mistake: without the file that holds it, or without an unknown parent."""
    _, index, column = (mistake.context or {})["location"]
    budget, place = placed[index]
    sentence = _sentence(mistake, [place for _, place in placed], settings.described_source)
    is_orphan = column == "parent" and budget.parent not in {other.name for other, _ in placed}
    if is_orphan and (problems or place is None):
        # The parent is in a file that is left out, or the configuration names one that nothing defines.
        if not problems:
            source = settings.source_file or Path(settings.described_source)
            problems.append(FileProblem("budgets", source, str(sentence), "Until then it stands alone."))
        alone = budget.model_copy(update={"parent": None})
        return [*placed[:index], (alone, place), *placed[index + 1 :]]
    if place is None:
        raise sentence from None
    problems.append(_left_out(place.file, str(sentence)))
    return [(other, at) for other, at in placed if at is None or at.file != place.file]


def _left_out(path: Path, sentence: str) -> FileProblem:
    return FileProblem("budgets", path, sentence, "Until then the budgets of this file are left out.")


def content_hash(budgets: Sequence[Budget]) -> str:
    """A hash of the content of the budgets, wherever and in whatever order they are written."""
    canonical = sorted(
        json.dumps(
            {
                **budget.model_dump(mode="json", exclude={"where", "amount", "amounts"}),
                "where": repr(budget.where),
                "amounts": [
                    [format(period.amount.normalize(), "f"), str(period.from_), str(period.until)]
                    for period in budget.timeline
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
