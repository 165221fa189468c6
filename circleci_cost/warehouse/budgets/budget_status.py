"""Writes `budget_status` from costs and forecasts, and reads it.

States are defined in `model.budgets.status`; `warehouse.forecast.cost_forecast` must have written the forecasts.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import duckdb
import polars as pl

from circleci_cost.model.budgets.amounts import amount_findings, amounts
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.findings import Finding, forecast_findings, scope_findings
from circleci_cost.model.budgets.series import History
from circleci_cost.model.budgets.status import STATUS_SCHEMA, Status, budget_status, current_day
from circleci_cost.named_files.file_problem import FileProblem
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import make_tables, transaction
from circleci_cost.warehouse.forecast.series import budget_series, history, known_values


class Periods(StrEnum):
    """Which periods of each budget: the running one, the last finished one, or all."""

    CURRENT = "current"
    LAST = "last"
    ALL = "all"


@dataclass(frozen=True)
class BudgetSummary:
    """What was written: all rows, the `current` ones (`STATUS_SCHEMA`), how many of these have which status.

    `problems` are the budget files that could not be used.
    """

    data_through: date | None
    rows: int
    current: pl.DataFrame
    counts: dict[Status, int]
    findings: tuple[Finding, ...]
    problems: tuple[FileProblem, ...] = ()


def write_budget_status(connection: duckdb.DuckDBPyConnection, budgets: Sequence[Budget]) -> BudgetSummary:
    """Replace `budget_status` in one transaction; without a complete day it is empty.

    In: the warehouse's connection after `write_forecasts` with the same budgets, whose results
    are read back: nothing is forecast here. A budget without a forecast of the present data says so in its note.
    """
    make_tables(connection)
    past = history(connection)
    status, findings = _judged(connection, budgets, past)
    with transaction(connection):
        replace_rows(connection, {"budget_status": status})
    current = status.filter(pl.col("period_end") > pl.col("data_through"))
    counts = Counter(current.get_column("status").to_list())
    return BudgetSummary(
        data_through=past.data_through if past else None,
        rows=status.height,
        current=current,
        counts={state: counts[state.value] for state in Status},
        findings=tuple(findings),
    )


def read_budget_status(connection: duckdb.DuckDBPyConnection, periods: Periods) -> pl.DataFrame:
    """The rows of `budget_status` of these periods, ordered by time and name; `STATUS_SCHEMA`."""
    rows: pl.DataFrame = connection.sql(sql("budgets/status_periods"), params={"periods": periods.value}).pl()
    return rows


def _judged(
    connection: duckdb.DuckDBPyConnection, budgets: Sequence[Budget], past: History | None
) -> tuple[pl.DataFrame, list[Finding]]:
    if past is None:
        return pl.DataFrame(schema=STATUS_SCHEMA), []
    today = current_day(past)
    periods = amounts(budgets, past.first, today)
    spent = budget_series(connection, budgets)
    status = budget_status(periods, spent, *_expected(connection, periods, past), past)
    used = set(spent.get_column("budget").unique().to_list())
    unused = [budget.name for budget in budgets if budget.name not in used]
    unforecast = status.filter((pl.col("period_end") > past.data_through) & pl.col("forecast_median").is_null())
    return status, [
        *scope_findings(budgets, unused, known_values(connection, budgets)),
        *amount_findings(budgets, past.first, today),
        *forecast_findings(unforecast.get_column("budget").to_list()),
    ]


def _expected(
    connection: duckdb.DuckDBPyConnection, periods: pl.DataFrame, past: History
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The forecasts from the same data, by day and in total, of budgets whose unit and period are still the same."""
    through = {"data_through": past.data_through}
    current = periods.filter(pl.col("period_end") > past.data_through).select("budget", "unit", "period_end")
    totals = (
        connection.sql(sql("budgets/totals"), params=through)
        .pl()
        .join(current, left_on=["series", "unit", "until"], right_on=["budget", "unit", "period_end"], how="semi")
    )
    daily = connection.sql(sql("budgets/forecasts"), params=through).pl()
    return daily.join(totals, left_on="budget", right_on="series", how="semi"), totals
