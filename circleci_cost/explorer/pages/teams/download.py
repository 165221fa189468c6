"""The page of teams as CSV: all values, and the origins of their cost, exact to the last digit."""

from collections.abc import Iterator

from circleci_cost.errors import UsageError
from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Answer, Download
from circleci_cost.explorer.pages.teams.asked import Asked, asked
from circleci_cost.explorer.pages.teams.figures import Figures, read_figures
from circleci_cost.explorer.pages.teams.origins import with_conditions
from circleci_cost.explorer.pages.teams.table import table_of
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.text.amounts import cost_text, credits_text
from circleci_cost.text.csv_text import csv_line
from circleci_cost.warehouse.allocation.explain import explain

_VALUES = ("cost", "direct_cost", "shared_cost", "share", "previous_cost", "change", "credits", "runs")
_ORIGINS = ("rule", "condition", "source_value", "split", "least_share", "greatest_share", "days")


def csv_of_values(address: Address, snapshot: Snapshot) -> Answer:
    """All values of the tag, in the order of the page."""
    wanted = _asked(address, snapshot)
    return Download(_name(wanted, ""), _value_lines(read_figures(wanted, snapshot)))


def csv_of_origins(address: Address, snapshot: Snapshot) -> Answer:
    """The rules and splits behind one value, or behind all."""
    wanted = _asked(address, snapshot)
    return Download(_name(wanted, "-origins"), _origin_lines(wanted, snapshot))


def _asked(address: Address, snapshot: Snapshot) -> Asked:
    if not snapshot.tags:
        raise UsageError("No virtual tag is published; the page Teams says how to make one.")
    return asked(address, snapshot)


def _name(wanted: Asked, what: str) -> str:
    return f"{wanted.tag.name}{what}-{wanted.days.first}-{wanted.days.last}.csv"


def _value_lines(figures: Figures) -> Iterator[str]:
    yield csv_line((figures.asked.tag.name, *_VALUES))
    for row in table_of(figures, {}, {}).every:
        cost = row.cost
        yield csv_line(
            (
                cost.value,
                *(cost_text(amount.cost) for amount in (cost.amount, cost.direct, cost.shared)),
                None if row.share is None else f"{row.share:.6f}",
                cost_text(row.change.change.before) if row.change else None,
                cost_text(row.change.change.difference) if row.change else None,
                credits_text(cost.amount.credits),
                str(cost.amount.runs),
            ),
            {0},
        )


def _origin_lines(wanted: Asked, snapshot: Snapshot) -> Iterator[str]:
    yield csv_line((wanted.tag.name, *_ORIGINS, "cost", "credits", "runs"))
    values = [] if wanted.value is None else [wanted.value]
    origins = explain(snapshot.connection, wanted.tag.name, wanted.days, values)
    for row in with_conditions(wanted, origins):
        origin = row.origin
        yield csv_line(
            (
                origin.value,
                origin.rule,
                row.condition,
                origin.source_value,
                origin.split,
                *(credits_text(share) for share in (origin.least_share, origin.greatest_share)),
                str(origin.days),
                cost_text(origin.amount.cost),
                credits_text(origin.amount.credits),
                str(origin.amount.runs),
            ),
            {0, 1, 2, 3, 4},
        )
