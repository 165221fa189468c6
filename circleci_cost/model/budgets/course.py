"""The course of one budget through one period, day by day: spent, the even share of its amount, and what is expected.

The state of the period as a whole is `status`' job; the amounts here end at the same ones.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from circleci_cost.model.budgets.amounts import AMOUNT
from circleci_cost.model.budgets.series import COST
from circleci_cost.model.budgets.status import days_of_periods

_FORECAST = ("forecast_median", "forecast_p10", "forecast_p90")
COURSE_SCHEMA: dict[str, pl.DataType] = {
    "date": pl.Date(),
    "spent": COST,
    "cumulated": COST,
    "prorated_budget": AMOUNT,
    **dict.fromkeys(_FORECAST, AMOUNT),
}


def course(state: pl.DataFrame, spent: pl.DataFrame, daily: pl.DataFrame) -> pl.DataFrame:
    """The days of the period, in order.

    In: `state`, one row of `budget_status`; `spent` of its budget, as `budget_status` takes it; `daily` [date] with
    `median`, `p10` and `p90` of the days to come. Out: `COURSE_SCHEMA`, a row a day. `spent` and `cumulated` are exact
    up to the last known day and null after it; the last `cumulated` is the state's `actual`. The forecast is of the
    sum since the period began, from the last known day on; it ends at the state's forecast.
    """
    (row,) = state.to_dicts()
    through: date = min(row["data_through"], row["period_end"])
    days = pl.DataFrame({"date": pl.date_range(row["period_start"], row["period_end"], eager=True)})
    cumulated = days_of_periods(state, spent, through).select("date", "spent", "cumulated")
    known = (
        days.filter(pl.col("date") <= through)
        .join(cumulated, on="date", how="left", maintain_order="left")
        .with_columns(pl.col("spent").fill_null(0), pl.col("cumulated").forward_fill().fill_null(0))
    )
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int32)
    return (
        days.join(known, on="date", how="left", maintain_order="left")
        .join(_expected(row, daily, through), on="date", how="left", maintain_order="left")
        .with_columns(prorated_budget=pl.lit(row["amount"], AMOUNT) * number / pl.lit(row["days"], pl.Int32()))
        .select(pl.col(name).cast(dtype) for name, dtype in COURSE_SCHEMA.items())
    )


def _expected(row: Mapping[str, Any], daily: pl.DataFrame, through: date) -> pl.DataFrame:
    """The forecast of the sum on the last known day and on each day after it; nothing where there is no forecast.

    The medians of the days add up to the period's, their ranges do not, and the range of a sum is known for the end
    only. Before it, the range is taken to widen as that of a sum of independent days would, with the root of the added
    squares of the days' ranges, scaled so that it ends at the known one. Nothing that is spent comes back.
    """
    schema = pl.Schema({"date": pl.Date(), **dict.fromkeys(_FORECAST, AMOUNT)})
    to_come = daily.filter(pl.col("date").is_between(through, row["period_end"], closed="right")).sort("date")
    ends: dict[str, Decimal | None] = {name: row[name] for name in _FORECAST}
    if to_come.is_empty() or None in ends.values():
        return pl.DataFrame(schema=schema)
    actual, end = pl.lit(row["actual"]).cast(AMOUNT), {name: pl.lit(ends[name], AMOUNT) for name in _FORECAST}
    median = actual + pl.col("median").cum_sum()
    width = {name: end[name] - end["forecast_median"] for name in _FORECAST[1:]}
    path = to_come.select(
        "date",
        forecast_median=median,
        forecast_p10=pl.max_horizontal(actual, median + _widened(width["forecast_p10"], "p10")),
        forecast_p90=median + _widened(width["forecast_p90"], "p90"),
    )
    is_last = pl.col("date") == row["period_end"]
    path = path.with_columns(pl.when(is_last).then(end[name]).otherwise(name).alias(name) for name in _FORECAST)
    today = pl.select(pl.lit(through).alias("date"), *(actual.alias(name) for name in _FORECAST))
    return pl.concat([frame.cast(schema) for frame in (today, path)])


def _widened(width: pl.Expr, quantile: str) -> pl.Expr:
    """The part of the width at the end that the days so far account for."""
    squares = (pl.col("median") - pl.col(quantile)).cast(pl.Float64).pow(2).cum_sum()
    evenly = pl.int_range(1, pl.len() + 1) / pl.len()
    share = pl.when(squares.last() > 0).then(squares / squares.last()).otherwise(evenly).sqrt()
    return (width.cast(pl.Float64) * share).cast(AMOUNT)
