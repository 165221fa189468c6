"""Filters of a question against the warehouse: their values checked, and the filters as SQL.

What a filter is, and how it is written, is `model.reporting.filters`' subject.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import duckdb

from circleci_cost.model.efficiency.trigger_users import is_user_id
from circleci_cost.model.reporting.filters import Filter, FilterOperator, as_conditions, is_unicode
from circleci_cost.model.reporting.names import known_value
from circleci_cost.model.usage.dimensions import TRIGGER_USER
from circleci_cost.text.plain import same_name
from circleci_cost.warehouse.core.conditions import Parameters, to_sql
from circleci_cost.warehouse.core.cost_rows import CostRows, values_of
from circleci_cost.warehouse.core.statements import sql

COST_CENTER = "cost_center"


def known_filters(
    connection: duckdb.DuckDBPyConnection, filters: Iterable[Filter], cost_centers: Sequence[str] = ()
) -> tuple[Filter, ...]:
    """The filters with their values in the form that costs have. Raises `UsageError` for a value that no usage has.

    `cost_centers` may be asked for without any usage. What a name has to contain may be any text.
    """
    checked = []
    for each in filters:
        if each.operator is FilterOperator.CONTAINS:
            values = [same_name(value) for value in each.values]
        elif each.dimension == TRIGGER_USER:
            values = _users(connection, each)
        else:
            known = {*(cost_centers if each.dimension == COST_CENTER else ()), *_known(connection, each)}
            values = [known_value(each.dimension, value, known) for value in each.values]
        checked.append(replace(each, values=tuple(dict.fromkeys(values))))
    return tuple(checked)


def _known(connection: duckdb.DuckDBPyConnection, asked: Filter) -> list[str]:
    """The values that costs have: those asked for, or all, where one is written in another way or is unknown.

    Of a million branches, Python is to see only those.
    """
    values = values_of(connection, asked.dimension, [value for value in asked.values if is_unicode(value)])
    return values if set(asked.values) <= set(values) else values_of(connection, asked.dimension)


def _users(connection: duckdb.DuckDBPyConnection, asked: Filter) -> list[str]:
    """The users as costs have them. Whoever has a name or is given by an id need not have usage on these days."""
    names = dict(connection.execute("SELECT id, name FROM user_names").fetchall())
    given = by_name(asked, names).values
    ids = [value for value in given if is_user_id(value)]
    known = {*ids, *names.values(), *values_of(connection, TRIGGER_USER)}
    return [known_value(TRIGGER_USER, value, known) for value in given]


def by_name(asked: Filter, names: Mapping[str, str]) -> Filter:
    """The filter with its values in the one form of names; of users, with names in place of the ids that have one."""
    values = tuple(same_name(value) for value in asked.values)
    if asked.dimension == TRIGGER_USER and asked.operator is not FilterOperator.CONTAINS:
        values = tuple(names.get(value.lower(), value) for value in values)
    return replace(asked, values=values)


def filters_sql(filters: Iterable[Filter], columns: Mapping[str, str], parameters: Parameters) -> str:
    """The filters as a SQL expression that is true or false; values go into `parameters`.

    In: the column of each dimension, one of our own names, which holds no NULL.
    """
    conditions = (to_sql(condition, dict(columns), parameters) for condition in as_conditions(filters))
    return " AND ".join(f"({condition})" for condition in conditions) or "true"


def filtered(source: CostRows, filters: Sequence[Filter], parameters: Parameters) -> str:
    """The same for one of the views of `cost_rows`."""
    return filters_sql(filters, {each.dimension: source.column(each.dimension) for each in filters}, parameters)


def fitting(
    connection: duckdb.DuckDBPyConnection, filters: Iterable[Filter], dimension: str, values: Sequence[str]
) -> list[str]:
    """Those of some values that the filters of their dimension let through, in their order."""
    parameters = Parameters()
    own = [each for each in filters if each.dimension == dimension]
    query = sql("core/fitting").format(where=filters_sql(own, {dimension: "value"}, parameters))
    rows = connection.execute(query, {"known": list(values), **parameters.values}).fetchall()
    kept = {value for (value,) in rows}
    return [value for value in values if value in kept]
