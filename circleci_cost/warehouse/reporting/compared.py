"""Compares the days of a question with others: which days have data is read here, the rules are the model's.

`model.reporting.comparison` says which days are compared, and when a change is withheld.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.reporting.comparison import Compared, Withheld, compare, with_costs
from circleci_cost.model.reporting.report import Amount, Question
from circleci_cost.warehouse.core.filters import COST_CENTER, fitting, known_filters
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.publishing.generations import Generation
from circleci_cost.warehouse.reporting.report import answer


def compared(
    connection: duckdb.DuckDBPyConnection,
    generation: Generation,
    question: Question,
    mode: str,
    cost_centers: Sequence[str],
    *,
    in_dollars: bool = True,
) -> Compared | Withheld | None:
    """What the days of a question are compared with, and the change of their whole cost; None where `mode` is `off`.

    Credits without a price withhold only a comparison `in_dollars`; else there is no `change`. Raises `UsageError` for
    a mode or a value that there is not.
    """
    period = DayRange(question.first, question.last)
    through, since = generation.manifest.data_through, generation.manifest.data_from or date.min
    days = compare(mode, period, through, since=since)
    if not isinstance(days, Compared):
        return days
    centers = fitting(connection, known_filters(connection, question.filters, cost_centers), COST_CENTER, cost_centers)
    days = compare(mode, period, through, _missing(connection, days, centers), since=since)
    if not isinstance(days, Compared) or not in_dollars:
        return days

    def total(part: DayRange) -> Amount:
        whole = replace(question, first=part.first, last=part.last, by=(), granularity=None, limit=None)
        return answer(connection, generation, whole, cost_centers, None).total

    return with_costs(days, total(days.current), total(days.before))


def _missing(connection: duckdb.DuckDBPyConnection, days: Compared, cost_centers: Sequence[str]) -> set[date]:
    """The days of both parts that some cost center has no data of."""
    missing: set[date] = set()
    for part in (days.current, days.before):
        parameters = {"cost_centers": list(cost_centers), "first": part.first, "last": part.last}
        missing.update(day for _, day in connection.execute(sql("reporting/missing_days"), parameters).fetchall())
    return missing
