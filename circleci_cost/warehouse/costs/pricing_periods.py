"""The price timeline in the warehouse: `pricing_periods`, `daily_rates`, and the days with costs at other prices."""

from collections.abc import Sequence
from datetime import date

import duckdb
import polars as pl

from circleci_cost.day_ranges import DayRange, as_ranges
from circleci_cost.model.pricing.price_periods import PricePeriod, daily_rates, periods_frame
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import transaction


def write_prices(
    connection: duckdb.DuckDBPyConnection, periods: Sequence[PricePeriod], first: date, last: date
) -> pl.DataFrame:
    """Replace the periods and the rates of all days from `first` to `last`; return the rates.

    For 200 cost centers these are 80,000 rows, and each run calls this: an unchanged table is not written again.
    """
    rates = daily_rates(periods, first, last)
    with transaction(connection):
        for table, frame in (("pricing_periods", periods_frame(periods)), ("daily_rates", rates)):
            if _holds(connection, table, frame):
                continue
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the two names above
            connection.register("new_rows", frame)
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM new_rows")  # noqa: S608
            connection.unregister("new_rows")
    return rates


def _holds(connection: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame) -> bool:
    """Whether a table has exactly the rows of `frame`, in any order."""
    rows = connection.sql(f"SELECT * FROM {table}").pl().select(frame.columns)  # noqa: S608 - one of the two above
    return bool(rows.schema == frame.schema and rows.sort(pl.all()).equals(frame.sort(pl.all())))


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
