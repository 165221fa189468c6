"""The price timeline in the warehouse: `pricing_periods`, `daily_rates`, and the days with costs at other prices."""

from collections.abc import Sequence
from datetime import date

import duckdb
import polars as pl

from circleci_cost.day_ranges import DayRange, as_ranges
from circleci_cost.model.pricing.price_periods import PricePeriod, daily_rates, periods_frame
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import transaction


def write_prices(
    connection: duckdb.DuckDBPyConnection, periods: Sequence[PricePeriod], first: date, last: date
) -> pl.DataFrame:
    """Replace the periods and the rates of all days from `first` to `last`; return the rates."""
    rates = daily_rates(periods, first, last)
    with transaction(connection):
        replace_rows(connection, {"pricing_periods": periods_frame(periods), "daily_rates": rates})
    return rates


def stale_prices(connection: duckdb.DuckDBPyConnection, rates: pl.DataFrame) -> dict[str, list[DayRange]]:
    """The days whose costs were computed at another price than `rates`, by cost center; an edited price leaves some.

    In: a connection that has `daily_costs` (the warehouse's or a published one), rates as `daily_rates` gives them.
    """
    connection.register("rates", rates)
    try:
        stale = connection.execute(sql("costs/stale_prices")).fetchall()
    finally:
        connection.unregister("rates")
    days: dict[str, list[date]] = {}
    for cost_center, day in stale:
        days.setdefault(cost_center, []).append(day)
    return {cost_center: as_ranges(dates) for cost_center, dates in days.items()}
