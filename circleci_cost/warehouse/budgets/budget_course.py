"""Reads the course of a budget through a period: its spending a day, and its forecast.

The states of all periods are read by `budget_status`; what a course consists of is `model.budgets.course`' matter.
"""

import duckdb
import polars as pl

from circleci_cost.model.budgets.course import course
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.forecast.series import budget_series


def budget_course(connection: duckdb.DuckDBPyConnection, budget: Budget, state: pl.DataFrame) -> pl.DataFrame:
    """The course of a budget through the period of `state`, one row of `budget_status`; `COURSE_SCHEMA`.

    In: a connection as `budget_series` needs it, with `cost_forecast` and `forecast_totals`. The days are added up by
    the present definition; where its conditions were changed after the state was written, the last `cumulated` differs
    from the state's `actual`.
    """
    parameters = {"budget": budget.name} | state.select("unit", "data_through").row(0, named=True)
    daily = connection.sql(sql("budgets/course_forecast"), params=parameters).pl()
    return course(state, budget_series(connection, [budget]), daily)
