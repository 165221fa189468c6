"""Sums for notifications: of a cost center after an import, and of a scope in two periods.

`notify` decides when to notify.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.usage.conditions import Conditions
from circleci_cost.warehouse.core.conditions import Parameters
from circleci_cost.warehouse.core.cost_rows import make_view, rows_for
from circleci_cost.warehouse.core.statements import one_row, sql


@dataclass(frozen=True)
class ImportSummary:
    """Exact sums of one cost center; `days` is None where it has no usage, `cost_usd` where nothing has a price."""

    days: DayRange | None
    jobs: int
    runs: int
    credits: Decimal
    unpriced_credits: Decimal
    cost_usd: Decimal | None


@dataclass(frozen=True)
class ProjectCost:
    """What a project cost in a period and in the one before it, in USD; `unpriced_credits` are in no cost."""

    project: str
    cost: Decimal
    before: Decimal
    unpriced_credits: Decimal


def import_summary(connection: duckdb.DuckDBPyConnection, cost_center: str) -> ImportSummary:
    """The sums of one cost center over all its days so far."""
    first, last, *sums = one_row(connection, sql("reporting/import_summary"), {"cost_center": cost_center})
    return ImportSummary(DayRange(first, last) if first else None, *sums)


def scope_costs(
    connection: duckdb.DuckDBPyConnection, where: Conditions, now: DayRange, before: DayRange
) -> list[ProjectCost]:
    """The projects of a scope in two periods that follow each other, the largest changes first.

    In: a connection with `daily_costs` and, for a scope that asks for a virtual tag, `allocated_costs`.
    """
    source = rows_for(where.dimensions)
    make_view(connection, source)
    parameters = Parameters()
    days: dict[str, date] = {
        "first": now.first,
        "last": now.last,
        "before_first": before.first,
        "before_last": before.last,
    }
    scope = source.holding(where, parameters)
    query = sql("reporting/scope_costs").format(view=source.view, scope=scope)
    rows = connection.execute(query, {**days, "tag": source.tag, **parameters.values}).fetchall()
    return [ProjectCost(*row) for row in rows]


def make_scope_jobs(connection: duckdb.DuckDBPyConnection, where: Conditions, days: DayRange, share: Decimal) -> None:
    """Make the table `scope_jobs`: the jobs with at least a share of their credits on some days in a scope.

    Its columns are `cost_center`, `project_id`, `workflow` and `job`, as they are shown, and `in_all`: whether the job
    is the scope's in all its workflows together. In: as `scope_costs`.
    """
    source = rows_for(where.dimensions)
    make_view(connection, source)
    parameters = Parameters()
    query = sql("reporting/scope_jobs").format(view=source.view, scope=source.holding(where, parameters))
    connection.execute(
        query, {"first": days.first, "last": days.last, "share": share, "tag": source.tag, **parameters.values}
    )
