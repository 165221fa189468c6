"""Daily sums of costs: of each budget's scope, and of the whole by cost center, organization and tag.

What a budget may spend, and what is to come, is `model.budgets.status`' and `model.forecast.forecasting`'s.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import duckdb
import polars as pl

from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.series import SPENT_SCHEMA, History
from circleci_cost.model.usage.conditions import CONDITION_DIMENSIONS, IDS, Operator
from circleci_cost.model.usage.schema import CHARGE_TYPES
from circleci_cost.warehouse.core.conditions import Parameters, to_sql
from circleci_cost.warehouse.core.statements import one_row, sql

_CHARGE_TYPE = "charge_type"
_VALUE = "value"
# A dimension as a report shows it: what has no name goes by its id, what has no value is "(none)".
_SHOWN = {name: f"coalesce({name}, '(none)')" for name in CONDITION_DIMENSIONS if name not in {"cost_center", *IDS}} | {
    name: f"coalesce({name}, {name}_id)" for name in ("organization", "project")
}


class _Source(NamedTuple):
    """What some budgets add up and compare: one scan serves all budgets of one source."""

    view: str
    tag: str
    columns: tuple[str, ...]


def history(connection: duckdb.DuckDBPyConnection) -> History | None:
    """The days there are; None where no day is complete yet."""
    first, through, without_data = one_row(connection, sql("forecast/series_history"))
    if through is None:
        return None
    incomplete = connection.execute(sql("forecast/series_incomplete_days"), {"through": through}).fetchall()
    return History(first, through, tuple(day for (day,) in incomplete), tuple(without_data or ()))


def budget_series(connection: duckdb.DuckDBPyConnection, budgets: Sequence[Budget]) -> pl.DataFrame:
    """The daily sums of each budget's scope, exact; days without such usage have no row.

    In: a connection with `daily_costs` and, for budgets that ask for a virtual tag, `allocated_costs`. Out:
    `SPENT_SCHEMA` [budget × date], credits and USD of all charge types that the budget counts; the credits without
    a price are in no dollar.
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
    asked = {
        condition.dimension for budget in budgets for condition in budget.where if condition.operator is Operator.IN
    }
    return {name: _values(connection, name) for name in sorted(asked)}


def portfolio_series(connection: duckdb.DuckDBPyConnection, days: History) -> pl.DataFrame:
    """The daily sums of all costs and of their largest parts, up to the last known day.

    Out: `series_kind` ('total', 'cost_center', 'organization' or 'tag'), `series` ('total', 'acme', 'team=web'),
    `date`, `credits`, `cost_usd`, `unpriced_credits`.
    """
    found: pl.DataFrame = connection.sql(sql("forecast/series_portfolio"), params={"through": days.data_through}).pl()
    return found


def show(connection: duckdb.DuckDBPyConnection, view: str) -> None:
    """Make one of the views that scopes are added up from: series_daily, series_charges, series_allocated."""
    connection.execute(sql("core/daily_charges"))
    connection.execute(sql(f"forecast/{view}"))


def _source(budget: Budget) -> _Source:
    asked = budget.where.dimensions
    columns = tuple(sorted({"cost_center", *(_column(name) for name in asked)}))
    tags = [name for name in asked if name not in CONDITION_DIMENSIONS]
    if tags:
        return _Source("series_allocated", tags[0], columns)
    return _Source("series_charges" if _CHARGE_TYPE in asked else "series_daily", "", columns)


def _column(name: str) -> str:
    return name if name in CONDITION_DIMENSIONS else _VALUE


def _sums(
    connection: duckdb.DuckDBPyConnection, source: _Source, budgets: Sequence[Budget], numbers: Sequence[int]
) -> pl.DataFrame:
    show(connection, source.view)
    names = ", ".join(source.columns)
    shown = ", ".join(f"{_SHOWN.get(name, name)} AS {name}" for name in source.columns)
    groups = sql("forecast/series_groups").format(source=source.view, dimensions=shown)
    connection.execute(groups, {"tag": source.tag})
    try:
        parameters = Parameters()
        fits = ", ".join(f"CASE WHEN {_scope(budgets[number], parameters)} THEN {number} END" for number in numbers)
        connection.execute(sql("forecast/series_members").format(names=names, fits=fits), parameters.values)
        without_seats = [number for number in numbers if not budgets[number].seats]
        query = sql("forecast/series_budgets").format(names=names)
        found: pl.DataFrame = connection.sql(query, params={"without_seats": without_seats}).pl()
        return found
    finally:
        _drop(connection, ("series_groups", "series_members"))


def _scope(budget: Budget, parameters: Parameters) -> str:
    columns = {name: _column(name) for name in budget.where.dimensions}
    return to_sql(budget.where, columns, parameters)


def _drop(connection: duckdb.DuckDBPyConnection, tables: Iterable[str]) -> None:
    for table in tables:
        connection.execute(f"DROP TABLE IF EXISTS {table}")


def _values(connection: duckdb.DuckDBPyConnection, name: str) -> list[str]:
    if name == _CHARGE_TYPE:
        return list(CHARGE_TYPES)
    is_tag = name not in CONDITION_DIMENSIONS
    view, column = ("series_allocated", _VALUE) if is_tag else ("series_daily", name)
    show(connection, view)
    query = sql("forecast/series_values").format(source=view, dimension=_SHOWN.get(column, column))
    found = connection.execute(query, {"tag": name if is_tag else ""}).fetchall()
    return [value for (value,) in found]
