"""Sums that notifications tell: what an import has brought, and what a scope cost in two periods.

When somebody is told is `notify`'s business.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from circleci_cost.model.pricing.price_periods import DayRange
from circleci_cost.model.reporting.report import CHARGE_TYPE
from circleci_cost.model.usage.conditions import CONDITION_DIMENSIONS, Conditions
from circleci_cost.warehouse.core.conditions import Parameters, to_sql
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.forecast.series import show


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
    """What a project cost in a period and in the one before it, in USD."""

    project: str
    cost: Decimal
    before: Decimal


def import_summary(connection: duckdb.DuckDBPyConnection, cost_center: str) -> ImportSummary:
    """What one cost center has brought so far."""
    first, last, *sums = one_row(connection, sql("reporting/import_summary"), {"cost_center": cost_center})
    return ImportSummary(DayRange(first, last) if first else None, *sums)


def scope_costs(
    connection: duckdb.DuckDBPyConnection, where: Conditions, now: DayRange, before: DayRange
) -> list[ProjectCost]:
    """The projects of a scope in two periods that follow each other, the largest changes first.

    In: a connection with `daily_costs` and, for a scope that asks for a virtual tag, `allocated_costs`.
    """
    asked = where.dimensions
    tags = [name for name in asked if name not in CONDITION_DIMENSIONS]
    source = "series_allocated" if tags else "series_charges" if CHARGE_TYPE in asked else "series_daily"
    parameters = Parameters()
    scope = to_sql(where, {name: "value" if name in tags else name for name in asked}, parameters)
    # The macro that shows dimensions as reports do.
    connection.execute(sql("core/report_rows"))
    show(connection, source)
    days: dict[str, date] = {
        "first": now.first,
        "last": now.last,
        "before_first": before.first,
        "before_last": before.last,
    }
    query = sql("reporting/scope_costs").format(source=source, scope=scope)
    found = connection.execute(query, {**days, "tag": tags[0] if tags else "", **parameters.values}).fetchall()
    return [ProjectCost(*row) for row in found]
