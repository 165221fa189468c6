"""Adds up the published waste of a scope in two periods, for digests.

Answers to questions about waste are `waste_report`'s job.
"""

from dataclasses import dataclass
from decimal import Decimal

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.efficiency.waste import CAUSE_NAMES
from circleci_cost.model.usage.dimensions import NO_VALUE
from circleci_cost.warehouse.core.statements import sql


@dataclass(frozen=True)
class WastePart:
    """The waste of a cause, of a job or of everything in a period and in the one before it, in USD."""

    name: str
    cost: Decimal
    before: Decimal


@dataclass(frozen=True)
class ScopeWaste:
    """The waste of a scope's jobs, causes and jobs with the largest first; `whole` is what these jobs cost in all."""

    causes: tuple[WastePart, ...]
    jobs: tuple[WastePart, ...]
    total: WastePart
    whole: Decimal


def scope_waste(connection: duckdb.DuckDBPyConnection, now: DayRange, before: DayRange) -> ScopeWaste | None:
    """The waste of two periods that follow each other; None where nothing of it cost anything.

    In: a generation's connection that has the table, and `scope_jobs`, as `reporting.summaries` makes it.
    """
    days = {"first": now.first, "last": now.last, "before_first": before.first}
    rows = connection.execute(sql("efficiency/scope_waste"), {**days, "no_value": NO_VALUE}).fetchall()
    causes = [WastePart(CAUSE_NAMES[cause], cost, past) for cause, _, cost, past, _ in rows if cause and (cost or past)]
    jobs = [WastePart(job, cost, past) for _, job, cost, past, _ in rows if job and cost]
    total = next(((cost, past, whole) for cause, job, cost, past, whole in rows if not cause and not job), None)
    if total is None or not causes:
        return None
    cost, past, whole = total
    return ScopeWaste(tuple(causes), tuple(jobs), WastePart("waste", cost, past), whole)
