"""Compares the days of a question with others: which days have data is read here, the rules are the model's.

`model.reporting.comparison` says which days are compared, and when a change is withheld.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.reporting.comparison import Compared, Withheld, compare, with_costs
from circleci_cost.model.reporting.filters import Filter
from circleci_cost.model.reporting.report import Amount, Question
from circleci_cost.model.usage.dimensions import RUN_DIMENSIONS
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
    days = comparable(connection, generation, question, mode, cost_centers)
    if not isinstance(days, Compared) or not in_dollars:
        return days

    def total(part: DayRange) -> Amount:
        whole = replace(question, first=part.first, last=part.last, by=(), granularity=None, limit=None)
        return answer(connection, generation, whole, cost_centers, None).total

    return with_costs(days, total(days.current), total(days.before))


def comparable(
    connection: duckdb.DuckDBPyConnection,
    generation: Generation,
    question: Question,
    mode: str,
    cost_centers: Sequence[str],
) -> Compared | Withheld | None:
    """The days that may be compared, whatever the prices; the rest as `compared`."""
    period = DayRange(question.first, question.last)
    through, since = generation.manifest.data_through, generation.manifest.data_from or date.min
    days = compare(mode, period, through, since=since)
    if not isinstance(days, Compared):
        return days
    incomplete = {
        day
        for part in (days.current, days.before)
        for day in incomplete_days(connection, question.filters, part, cost_centers)
    }
    return compare(mode, period, through, incomplete, since=since)


def incomplete_days(
    connection: duckdb.DuckDBPyConnection, filters: Sequence[Filter], days: DayRange, cost_centers: Sequence[str]
) -> set[date]:
    """The days that some cost center which the filters let through has no complete data of.

    An export that was made before CircleCI had a day complete holds little of it, however old it is by now.
    """
    # Which user or pipeline is asked for tells nothing about cost centers.
    of_costs = [each for each in filters if each.dimension not in RUN_DIMENSIONS]
    centers = fitting(connection, known_filters(connection, of_costs, cost_centers), COST_CENTER, cost_centers)
    parameters = {"cost_centers": centers, "first": days.first, "last": days.last}
    return {day for (day,) in connection.execute(sql("reporting/incomplete_days"), parameters).fetchall()}
