"""Asks for the rows of some comparisons: of their days, within their scopes, and fitting the filters.

What is done with the rows is the business of `compared_costs` and `usual_days`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import polars as pl

from circleci_cost.model.reporting.filters import Filter
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, HIERARCHY
from circleci_cost.warehouse.core.conditions import Parameters
from circleci_cost.warehouse.core.cost_rows import VALUE
from circleci_cost.warehouse.core.filters import COST_CENTER, filters_sql
from circleci_cost.warehouse.core.statements import sql

SCOPE_SCHEMA = pl.Schema(
    {
        "comparison": pl.String(),
        **dict.fromkeys(HIERARCHY[1:], pl.String()),
        "value": pl.String(),
        "charge_types": pl.List(pl.String()),
    }
)
"""The scope of a comparison; null is all. Its cost center follows from the comparison's days."""

# The days of a comparison select its cost centers, its scope the charge types.
_SELECTED_ELSEWHERE = {COST_CENTER, CHARGE_TYPE}


@dataclass(frozen=True)
class Scopes:
    """The scopes of comparisons, one row of `SCOPE_SCHEMA` for each, and the tag and filters of all of them."""

    rows: pl.DataFrame
    tag: str | None = None
    filters: Sequence[Filter] = ()


def scoped_rows(
    connection: duckdb.DuckDBPyConnection, statement: str, days: pl.DataFrame, scopes: Scopes, **parts: str
) -> pl.DataFrame:
    """The answer to a statement about `driver_source`, `driver_days` and `driver_scopes`.

    In: `days` with `comparison`, `cost_center`, `date` and what else the statement asks for; `parts` are its columns
    of our own making beside `scoped`.
    """
    connection.execute(sql("core/questions"))
    if scopes.tag is None:
        connection.execute(sql("drivers/daily"))
    else:
        connection.execute("SET VARIABLE driver_tag = $tag", {"tag": scopes.tag})
        connection.execute(sql("drivers/allocated"))
    parameters = Parameters()
    own = [each for each in scopes.filters if each.dimension not in _SELECTED_ELSEWHERE]
    columns = {each.dimension: f"rows.{VALUE if each.dimension == scopes.tag else each.dimension}" for each in own}
    scoped = sql("drivers/scoped").format(where=filters_sql(own, columns, parameters))
    query = sql(statement).format(scoped=scoped, **parts)
    connection.register("driver_days", days)
    connection.register("driver_scopes", scopes.rows.select(SCOPE_SCHEMA.names()).cast(SCOPE_SCHEMA))
    try:
        rows: pl.DataFrame = connection.sql(query, params=parameters.values).pl()
    finally:
        connection.unregister("driver_days")
        connection.unregister("driver_scopes")
    return rows
