"""Adds the costs of some days up once, for a page that asks several questions about the same ones.

`report` answers the questions, from the rollup or from all costs, with the same digits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.reporting.filters import Filter
from circleci_cost.model.reporting.report import Question
from circleci_cost.warehouse.core.conditions import Parameters
from circleci_cost.warehouse.core.cost_rows import make_view, rows_for
from circleci_cost.warehouse.core.filters import filtered, known_filters
from circleci_cost.warehouse.core.statements import sql

TABLE = "rollup"
# A split leaves rows that hold only counts; a part may have a cost although its credits round to 0.
HOLDS = "credits <> 0 OR coalesce(cost_usd, 0) <> 0 OR ($counted AND jobs <> 0)"


@dataclass(frozen=True)
class Rollup:
    """Daily sums in a temporary table of a connection: by the groups of a question, of its filters, on some days.

    `known` are the filters with their values as costs have them: they need not be looked up again.
    """

    question: Question
    days: tuple[DayRange, ...]
    known: tuple[Filter, ...]

    def answers(self, question: Question) -> bool:
        """Whether another question can be answered from these sums."""
        return (
            question.filters == self.question.filters
            and set(question.by) <= set(self.question.by)
            and question.splits_charge_types == self.question.splits_charge_types
            and any(part.first <= question.first and question.last <= part.last for part in self.days)
        )

    def column(self, name: str) -> str:
        """The column of a dimension or tag."""
        return f"by_{self.question.by.index(name)}"


def roll_up(
    connection: duckdb.DuckDBPyConnection, question: Question, days: Sequence[DayRange], cost_centers: Sequence[str]
) -> Rollup:
    """Make the sums for a question's groups and filters; they replace former ones of the connection.

    Raises `UsageError` for a value that no usage has.
    """
    known = known_filters(connection, question.filters, cost_centers)
    made = Rollup(question, tuple(days), known)
    source = rows_for(question.dimensions)
    make_view(connection, source)
    parameters = Parameters()
    query = sql("reporting/rollup").format(
        view=source.view,
        groups="".join(f"{source.column(name)} AS {made.column(name)}, " for name in question.by),
        days=" OR ".join(
            f"date BETWEEN {parameters.add(part.first)} AND {parameters.add(part.last)}" for part in made.days
        ),
        where=filtered(source, known, parameters),
        holds=HOLDS,
    )
    connection.execute(query, {**parameters.values, "tag": source.tag, "counted": not question.splits_charge_types})
    return made
