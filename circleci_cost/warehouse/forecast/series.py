"""Daily sums of costs: of each budget's scope, and of the whole by cost center, organization and tag.

Judging budgets is `model.budgets.status`' job, forecasting `model.forecast.forecasting`'s.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import duckdb
import polars as pl

from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.series import SPENT_SCHEMA, History
from circleci_cost.model.usage.conditions import Operator
from circleci_cost.warehouse.core.conditions import Parameters
from circleci_cost.warehouse.core.cost_rows import CostRows, make_view, rows_for, values_of
from circleci_cost.warehouse.core.statements import one_row, sql


class _Source(NamedTuple):
    """The rows that some budgets add up and the columns that they compare: one scan serves all budgets of a source."""

    rows: CostRows
    columns: tuple[str, ...]


def history(connection: duckdb.DuckDBPyConnection) -> History | None:
    """The known days; None where no day is complete yet."""
    first, through, without_data = one_row(connection, sql("forecast/series_history"))
    if through is None:
        return None
    incomplete = connection.execute(sql("forecast/series_incomplete_days"), {"through": through}).fetchall()
    return History(first, through, tuple(day for (day,) in incomplete), tuple(without_data or ()))


def budget_series(connection: duckdb.DuckDBPyConnection, budgets: Sequence[Budget]) -> pl.DataFrame:
    """The daily sums of each budget's scope, exact; days without such usage have no row.

    In: a connection with `daily_costs` and, for budgets that ask for a virtual tag, `allocated_costs`. Out:
    `SPENT_SCHEMA` [budget × date], credits and USD of all charge types that the budget counts; credits without a price
    are in no dollar amount.
    """
    by_source: dict[_Source, list[int]] = {}
    for number, budget in enumerate(budgets):
        by_source.setdefault(_source(budget), []).append(number)
    names = pl.DataFrame(
        {"number": range(len(budgets)), "budget": [budget.name for budget in budgets]},
        schema={"number": pl.Int32, "budget": pl.String},
    )
    frames = [_sums(connection, source, budgets, numbers) for source, numbers in by_source.items()]
    empty = pl.DataFrame(schema={"number": pl.Int32} | {name: SPENT_SCHEMA[name] for name in list(SPENT_SCHEMA)[1:]})
    return pl.concat([empty, *frames]).join(names, on="number").sort("number", "date").select(SPENT_SCHEMA.keys())


def known_values(connection: duckdb.DuckDBPyConnection, budgets: Sequence[Budget]) -> dict[str, list[str]]:
    """All values of each dimension and virtual tag that some budget compares with a value."""
    dimensions = {
        condition.dimension for budget in budgets for condition in budget.where if condition.operator is Operator.IN
    }
    return {name: values_of(connection, name) for name in sorted(dimensions)}


def portfolio_series(connection: duckdb.DuckDBPyConnection, days: History) -> pl.DataFrame:
    """The daily sums of all costs and of their largest parts, up to the last known day.

    Out: `series_kind` ('total', 'cost_center', 'organization' or 'tag'), `series` ('total', 'acme', 'team=web'),
    `date`, `credits`, `cost_usd`, `unpriced_credits`.
    """
    series: pl.DataFrame = connection.sql(sql("forecast/series_portfolio"), params={"through": days.data_through}).pl()
    return series


def _source(budget: Budget) -> _Source:
    rows = rows_for(budget.where.dimensions)
    return _Source(rows, tuple(sorted({"cost_center", *map(rows.column, budget.where.dimensions)})))


def _sums(
    connection: duckdb.DuckDBPyConnection, source: _Source, budgets: Sequence[Budget], numbers: Sequence[int]
) -> pl.DataFrame:
    make_view(connection, source.rows)
    names = ", ".join(source.columns)
    groups = sql("forecast/series_groups").format(view=source.rows.view, names=names)
    connection.execute(groups, {"tag": source.rows.tag})
    try:
        parameters = Parameters()
        fits = ", ".join(
            f"CASE WHEN {source.rows.holding(budgets[number].where, parameters)} THEN {number} END"
            for number in numbers
        )
        connection.execute(sql("forecast/series_members").format(names=names, fits=fits), parameters.values)
        without_seats = [number for number in numbers if not budgets[number].seats]
        query = sql("forecast/series_budgets").format(names=names)
        sums: pl.DataFrame = connection.sql(query, params={"without_seats": without_seats}).pl()
        return sums
    finally:
        _drop(connection, ("series_groups", "series_members"))


def _drop(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> None:
    for table in tables:
        connection.execute(f"DROP TABLE IF EXISTS {table}")
