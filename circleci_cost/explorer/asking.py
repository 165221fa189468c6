"""Puts questions to a snapshot: the same ones that `report` puts, with the same answers."""

from itertools import product

from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.history.reports import answered
from circleci_cost.model.reporting.report import Order, Question, Report
from circleci_cost.warehouse.core.cost_rows import largest_values
from circleci_cost.warehouse.reporting.report import days_with_data
from circleci_cost.warehouse.reporting.rollup import Rollup

# Colours of their own go to the largest keys; those after so many share a colour by their name.
_RANKED = 200
# Of groups of two dimensions, those of so many values of each.
_COMBINED = 40


def ask(snapshot: Snapshot, question: Question, rollup: Rollup | None = None) -> Report:
    """The answer, with the days that are missing or not final; from the rollup, where it can answer.

    Raises `UsageError` for a value that no usage has.
    """
    return answered(
        snapshot.connection, snapshot.generation, question, snapshot.settings, snapshot.clock, rollup=rollup
    )


def days_there_are(snapshot: Snapshot) -> DayRange | None:
    """The first and the last day with data of any cost center."""
    return snapshot.facts.remembered("days", lambda: days_with_data(snapshot.connection))


def ranked_values(snapshot: Snapshot, dimension: str) -> list[str]:
    """The largest values of a dimension or tag over the whole history, in order; a value keeps its colour by it."""

    def find() -> list[str]:
        published = largest_values(snapshot.connection, dimension, _RANKED)
        days = days_there_are(snapshot)
        if published is not None or days is None:
            return published or []
        question = Question(days.first, days.last, (dimension,), order=Order.CREDITS, limit=_RANKED)
        return [row.values[0] for row in ask(snapshot, question).rows if not row.rest]

    return snapshot.facts.remembered(("ranked", dimension), find)


def ranked_groups(snapshot: Snapshot, by: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The groups of some dimensions in an order that stays: by the places of their values, the largest ones first."""

    def find() -> list[tuple[str, ...]]:
        most = _RANKED if len(by) == 1 else _COMBINED
        places = [list(enumerate(ranked_values(snapshot, name)[:most])) for name in by]
        groups = sorted(product(*places), key=lambda group: sum(place for place, _ in group))
        return [tuple(value for _, value in group) for group in groups]

    return snapshot.facts.remembered(("ranked groups", by), find)
