"""The page of teams put together: its controls, figures, chart and tables, or how to get a virtual tag."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Content, Page
from circleci_cost.explorer.pages.teams.asked import PATH, Asked, asked
from circleci_cost.explorer.pages.teams.chart import courses_of
from circleci_cost.explorer.pages.teams.download import csv_of_origins, csv_of_values
from circleci_cost.explorer.pages.teams.figures import read_figures
from circleci_cost.explorer.pages.teams.origins import origins_of
from circleci_cost.explorer.pages.teams.table import table_of
from circleci_cost.explorer.periods import before_words, days_menu
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.allocation.planning import prepare_usable
from circleci_cost.text.amounts import dollars
from circleci_cost.text.plain import one_line
from circleci_cost.warehouse.allocation.coverage import Coverage, Suggestion, coverage, shortfall, suggestions

_MONTHS = 13
_SUGGESTIONS = 5


@dataclass(frozen=True)
class Unallocated:
    """How much of a tag's cost has a value, month by month, and rules for what has none, as lines of TOML."""

    months: Sequence[Coverage]
    together: Coverage
    shortfall: str | None
    suggestions: Sequence[Suggestion]
    toml: Sequence[str]


def respond(address: Address, snapshot: Snapshot) -> Answer:
    """Cost by the values of a tag; without a published tag, how to make one."""
    settings = snapshot.settings
    unpublished = [tag.name for tag in settings.virtual_tags if tag.name not in snapshot.tags]
    if not snapshot.tags:
        return Content("teams_empty.html", {"unpublished": unpublished, "source": settings.described_source})
    wanted = asked(address, snapshot)
    figures = read_figures(wanted, snapshot)
    courses = courses_of(figures, snapshot)
    return Content(
        "teams.html",
        {
            "address": address,
            "asked": wanted,
            "figures": figures,
            "before_words": before_words(figures.before.compared) if figures.before else "",
            "chart": courses.chart,
            "table": table_of(figures, courses.colors, courses.by_value),
            "origins": origins_of(figures, snapshot),
            "unallocated": _unallocated(wanted, snapshot),
            "notes": [*_problems(snapshot), *_unpublished(unpublished)],
            "tags": [
                (name, name == wanted.tag.name, address.changed(tag=name, value=None, rows=None))
                for name in snapshot.tags
            ],
            # On other days the form may find no such value.
            "days_menu": replace(days_menu(address, wanted.preset, wanted.days), address=address.changed(value=None)),
            "csv": address.changed(value=None, rows=None).at("/teams.csv"),
        },
    )


def _unallocated(wanted: Asked, snapshot: Snapshot) -> Unallocated:
    """The same for all days that are asked for, so that it is found out once for a generation."""
    tag = wanted.tag

    def find() -> tuple[list[Coverage], list[Suggestion]]:
        return (
            coverage(snapshot.connection, tag.name, tag.default, _MONTHS),
            suggestions(snapshot.connection, tag.name, tag.default, _SUGGESTIONS),
        )

    (*months, together), proposed = snapshot.facts.remembered(("unallocated", tag.name, tag.default), find)
    lines = chain.from_iterable(_rule_lines(each) for each in proposed)
    return Unallocated(months, together, shortfall(tag, together), proposed, list(lines))


def _rule_lines(suggestion: Suggestion) -> Sequence[str]:
    place = f"{suggestion.project}, {suggestion.workflow}" if suggestion.workflow else suggestion.project
    return (f"# {dollars(suggestion.cost)}: {one_line(place)}", *suggestion.rule.split("\n"), "")


def _problems(snapshot: Snapshot) -> Sequence[str]:
    """The files of tags that cannot be used now; what is published stands as it is."""
    settings = snapshot.settings
    return [str(problem) for problem in prepare_usable(settings.virtual_tags, settings.resolve).problems]


def _unpublished(names: Sequence[str]) -> Sequence[str]:
    return [
        f"The virtual tag {name} is configured, but in no published costs yet; run `circleci-cost allocation apply`, "
        "which fetches nothing."
        for name in names
    ]


PAGE = Page(
    "teams",
    PATH,
    "Teams",
    respond,
    more=(("/teams.csv", csv_of_values), ("/teams/origins.csv", csv_of_origins)),
)
