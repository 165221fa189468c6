"""Reads the published forecast of one series to the end of its month; `cost_forecast` writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from circleci_cost.warehouse.core.statements import sql

TOTAL = "total"


@dataclass(frozen=True)
class Range:
    """A forecast: the median, and the range that holds in 8 of 10 cases."""

    median: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class RemainingDays:
    """The days after `data_through` to `until`: what they may come to together, and each of them.

    The ranges of single days do not add up to that of their sum.
    """

    data_through: date
    until: date
    together: Range
    days: Sequence[tuple[date, Range]]


def remaining_days(
    connection: duckdb.DuckDBPyConnection, series_kind: str, series: str, unit: str
) -> RemainingDays | None:
    """The forecast of a series (`total`, a cost center, an organization, `tag=value`), in `USD` or `credits`.

    None for a series without a forecast. In: a published generation's connection.
    """
    rows = connection.execute(
        sql("forecast/month_end"), {"series_kind": series_kind, "series": series, "unit": unit}
    ).fetchall()
    if not rows:
        return None
    data_through, until, *together = rows[0][:5]
    days = [(day, Range(*of_day)) for *_, day, median, p10, p90 in rows if day for of_day in [(median, p10, p90)]]
    return RemainingDays(data_through, until, Range(*together), days)
