"""Finds the single job runs behind a cost in the lake, with their addresses in CircleCI.

`report` adds costs up; `drivers.examples` finds a few examples for each of many jobs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.days import days_between
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import present, readable
from circleci_cost.model.drivers.links import JobRun, job_run_url
from circleci_cost.model.reporting.filters import Filter
from circleci_cost.model.usage.charge_types import BOOKED_CHARGE_TYPES
from circleci_cost.model.usage.dimensions import RUN_DIMENSIONS, TRIGGER_USER
from circleci_cost.warehouse.core.conditions import Parameters
from circleci_cost.warehouse.core.cost_rows import make_view, rows_for
from circleci_cost.warehouse.core.filters import by_name, filtered, filters_sql, known_filters
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.reporting.run_costs import name_users, run_values, users_of

# There is a file for each day and cost center, and single runs of long ago are seldom wanted.
MOST_DAYS = 31


@dataclass(frozen=True)
class CostOfRun:
    """One job run: its dimensions as they are shown, its own credits, their cost in USD, its address in CircleCI.

    `user` is the name or the id of who triggered its pipeline. `cost` is None without a price, `url` where the export
    lacks a part of it.
    """

    date: date
    dimensions: Mapping[str, str]
    seconds: int | None
    credits: Decimal
    cost: Decimal | None
    user: str
    pipeline_number: int | None
    url: str | None


@dataclass(frozen=True)
class DearestRuns:
    """The dearest of `count` job runs, on the days that were looked at."""

    rows: Sequence[CostOfRun]
    count: int
    days: DayRange


def dearest_runs(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    days: DayRange,
    filters: Sequence[Filter],
    *,
    cost_centers: Sequence[str],
    user_names: Mapping[str, str],
    limit: int,
) -> DearestRuns:
    """The runs whose costs the filters let through, virtual tags included; of long periods, on the last `MOST_DAYS`.

    Charges that are booked on a job that did not cause them, such as seats, are not counted. In: a generation's
    connection, and the users' names by id. Raises `UsageError` for a value that no usage has.
    """
    of_runs = [by_name(each, user_names) for each in filters if each.dimension in RUN_DIMENSIONS]
    known = known_filters(connection, [each for each in filters if each.dimension not in RUN_DIMENSIONS], cost_centers)
    days = DayRange(max(days.first, days.last - timedelta(days=MOST_DAYS - 1)), days.last)
    files = [lake.job_runs_file(name, day) for name in cost_centers for day in days_between(days.first, days.last)]
    existing = readable(present(files))
    if not existing:
        return DearestRuns((), 0, days)
    source = rows_for([each.dimension for each in known])
    make_view(connection, source)
    connection.execute(sql("core/macros"))
    name_users(connection, user_names)
    parameters = Parameters()
    caused = "true"
    if source.has_charge_types:
        # A team's share of the seats makes the run that they are booked on no run of the team.
        caused = f"NOT list_contains({parameters.add(list(BOOKED_CHARGE_TYPES))}, charge_type)"
    values = run_values("runs", "cells")
    query = sql("reporting/job_runs").format(
        view=source.view,
        where=filtered(source, known, parameters),
        caused=caused,
        user=values[TRIGGER_USER],
        users=users_of("runs"),
        of_runs=filters_sql(of_runs, values, parameters),
    )
    rows = connection.execute(
        query,
        {
            **parameters.values,
            "files": existing,
            "tag": source.tag,
            "first": days.first,
            "last": days.last,
            "limit": limit,
        },
    ).fetchall()
    count = rows[0][0] if rows else 0
    return DearestRuns([_cost_of_run(row[1:]) for row in rows], count, days)


def _cost_of_run(row: Sequence[Any]) -> CostOfRun:
    day, dimensions, seconds, credits, cost, user, *address = row
    run = JobRun(*address)
    return CostOfRun(
        day,
        dimensions,
        seconds,
        credits,
        cost,
        user,
        run.pipeline_number,
        job_run_url(run),
    )
