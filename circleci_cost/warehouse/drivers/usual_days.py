"""Reads what is usual in the days that periods are compared with: unusual days among them, and each job's scatter.

Which days are unusual, and how scatter is measured, `model.drivers` knows; reading costs is `compared_costs`' job.
"""

from collections.abc import Collection, Mapping
from datetime import date
from typing import NamedTuple

import duckdb
import polars as pl

from circleci_cost.model.drivers.scatter import usual_scatter
from circleci_cost.model.drivers.unusual_days import unusual_days
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost.warehouse.drivers.scoped_rows import Scopes, scoped_rows

_SERIES = ("comparison", "cost_center")
_DAYS_SCHEMA = pl.Schema({"comparison": pl.String(), "cost_center": pl.String(), "date": pl.Date()})


class UsualDays(NamedTuple):
    """`unusual` days by comparison and cost center; `scatter` of `scatter.usual_scatter` by `comparison` and levels."""

    unusual: Mapping[tuple[str, str], frozenset[date]]
    scatter: pl.DataFrame


def read_usual_days(
    connection: duckdb.DuckDBPyConnection, days: Mapping[tuple[str, str], Collection[date]], scopes: Scopes
) -> UsualDays:
    """What is usual on the baseline days of each comparison and cost center."""
    known = pl.DataFrame(
        [(*series, day) for series, dates in days.items() for day in dates], schema=_DAYS_SCHEMA, orient="row"
    )
    daily = scoped_rows(connection, "drivers/daily_usage", known, scopes)
    unusual: dict[tuple[str, str], set[date]] = {}
    found = unusual_days(daily, known, _SERIES)
    for comparison, cost_center, day in found.iter_rows():
        unusual.setdefault((comparison, cost_center), set()).add(day)
    usual = known.join(found, _DAYS_SCHEMA.names(), "anti")
    scatter = usual_scatter(daily, usual, [*_SERIES, *HIERARCHY[1:]])
    return UsualDays({series: frozenset(dates) for series, dates in unusual.items()}, scatter)
