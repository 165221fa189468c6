"""The groups that moved, by movement: each with its place, its split by driver, and where to look further."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.pages.job_run_links import RunLink, run_links
from circleci_cost.explorer.pages.why.steps import Waterfall, waterfall
from circleci_cost.model.drivers.movers import MOVEMENT, Moved, Movement, moved, with_movement
from circleci_cost.model.drivers.seats import SEATS
from circleci_cost.model.drivers.text import place_text, reasons_text
from circleci_cost.model.reporting.filters import FilterOperator, filter_text
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, HIERARCHY
from circleci_cost.text.amounts import change_text
from circleci_cost.warehouse.drivers.explanation import Explanation

Row = Mapping[str, Any]

_TITLES = {Movement.NEW: "New", Movement.GONE: "Gone", Movement.UP: "Up", Movement.DOWN: "Down"}
_NOTES = {
    Movement.NEW: "without any usage in the period before",
    Movement.GONE: "without any usage in this period",
    Movement.UP: "cost more than before",
    Movement.DOWN: "cost less than before",
}


@dataclass(frozen=True)
class Mover:
    """One group that moved."""

    place: str
    before: Decimal
    after: Decimal
    change: str
    direction: str
    reasons: str
    waterfall: Waterfall
    exact: Decimal
    runs: Sequence[RunLink]
    why: Address | None
    explore: Address | None


@dataclass(frozen=True)
class Section:
    """The groups of one movement: all of them in sum, and the largest ones."""

    title: str
    note: str
    groups: int
    change: Decimal
    movers: Sequence[Mover]

    @property
    def further(self) -> int:
        """How many are not among the listed ones."""
        return self.groups - len(self.movers)


def sections(explanation: Explanation, address: Address) -> Sequence[Section]:
    """The movements that there are; of their groups those of `Explanation.changes`."""
    listed = with_movement(explanation.changes).to_dicts()
    return [_section(each, listed, explanation, address) for each in moved(explanation.movers)]


def _section(sums: Moved, listed: Sequence[Row], explanation: Explanation, address: Address) -> Section:
    movers = [_mover(row, explanation, address) for row in listed if row[MOVEMENT] == sums.movement]
    return Section(_TITLES[sums.movement], _NOTES[sums.movement], sums.groups, sums.change_usd, movers)


def _mover(row: Row, explanation: Explanation, address: Address) -> Mover:
    where = filters_of(row, explanation)
    narrowed = address.changed(where=where, by=None, limit=None)
    return Mover(
        place_text(row, explanation.shown_levels(explanation.levels)),
        row["before_usd"],
        row["after_usd"],
        change_text(row["before_usd"], row["change_usd"]),
        "up" if row["change_usd"] > 0 else "down",
        reasons_text(row),
        waterfall(row),
        row["change_usd"],
        run_links(row["example_urls"]),
        None if where == address.many("where") else narrowed,
        _explore(explanation, where),
    )


def filters_of(row: Row, explanation: Explanation) -> list[str]:
    """The filters that leave one group: its names in place of the filters of the same dimensions."""
    names = explanation.periods.by or HIERARCHY
    own = {name: row[name] for name in names if row[name] is not None and row[name] != SEATS}
    if any(row[name] == SEATS for name in names):
        own[CHARGE_TYPE] = "user"
    kept = [
        filter_text(each.dimension, each.operator, value)
        for each in explanation.periods.filters
        if each.dimension not in own
        for value in each.values
    ]
    return kept + [filter_text(name, FilterOperator.IS, value) for name, value in own.items()]


def _explore(explanation: Explanation, where: Sequence[str]) -> Address:
    period = explanation.periods.period
    days = (("from", f"{period.first}"), ("to", f"{period.last}"))
    return Address("/", (*days, *(("where", text) for text in where)))
