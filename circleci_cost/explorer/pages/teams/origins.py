"""Why a value has its cost: the rules and splits behind it, and what of its own cost went to other values."""

from collections.abc import Sequence
from dataclasses import dataclass

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.pages.teams.asked import Asked
from circleci_cost.explorer.pages.teams.figures import Figures
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.allocation.rule_conditions import rule_conditions
from circleci_cost.model.reporting.report import Amount, add_up
from circleci_cost.warehouse.allocation.explain import Origin, explain


@dataclass(frozen=True)
class OriginRow:
    """A part of a cost with the condition of its rule, as it is configured now; None where that is not in words."""

    origin: Origin
    condition: str | None


@dataclass(frozen=True)
class Origins:
    """The parts of one value's cost, which add up to `amount`, and what it gave away, which adds up to `given`."""

    value: str
    rows: Sequence[OriginRow]
    amount: Amount
    given_rows: Sequence[Origin]
    given: Amount
    close: Address
    csv: Address


def origins_of(figures: Figures, snapshot: Snapshot) -> Origins | None:
    """The origins of the value that is asked for; None where none is."""
    asked = figures.asked
    if asked.value is None:
        return None
    rows = explain(snapshot.connection, asked.tag.name, asked.days, [asked.value])
    is_split = any(each.is_split for each in figures.values if each.value == asked.value)
    given = _given(asked, snapshot) if is_split else []
    return Origins(
        asked.value,
        with_conditions(asked, rows),
        add_up((row.amount for row in rows), counted=True),
        given,
        add_up((row.amount for row in given), counted=True),
        asked.address.changed(value=None),
        asked.address.at("/teams/origins.csv"),
    )


def with_conditions(asked: Asked, origins: Sequence[Origin]) -> list[OriginRow]:
    """Each origin with the condition of its rule."""
    conditions = rule_conditions(asked.tag)
    return [OriginRow(origin, conditions.get(origin.rule)) for origin in origins]


def _given(asked: Asked, snapshot: Snapshot) -> list[Origin]:
    every = explain(snapshot.connection, asked.tag.name, asked.days)
    return [each for each in every if each.source_value == asked.value and each.value != asked.value]
