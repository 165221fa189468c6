"""Daily series for budgets and forecasts: which days are known, and where a series begins.

Adding them up from costs is the job of `warehouse.forecast.series`.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl

from circleci_cost.model.budgets.definition import Unit

CREDITS = pl.Decimal(38, 6)
COST = pl.Decimal(38, 16)
SPENT_SCHEMA: dict[str, pl.DataType] = {
    "budget": pl.String(),
    "date": pl.Date(),
    "credits": CREDITS,
    "cost_usd": COST,
    "unpriced_credits": CREDITS,
}


@dataclass(frozen=True)
class History:
    """The known days, `first` to `data_through`; `incomplete` days lack some of their usage.

    Cost centers `without_data` are configured but have no complete day yet: their usage is missing throughout.
    """

    first: date
    data_through: date
    incomplete: tuple[date, ...] = ()
    without_data: tuple[str, ...] = ()


def known_days(series: pl.DataFrame, every: pl.Series, history: History, unit: Unit) -> pl.DataFrame:
    """One row for each series and day, from its first usage to the last known day; days without usage are zero.

    In: `series` [series × date] with `credits`, `cost_usd` and `unpriced_credits`; `every` holds the names of all
    series; series without any usage are zero throughout. Out: `series`, `date`, `cost` (in the unit) and
    `complete`, which is false if usage of the day is missing or, in USD, has no price.
    """
    value = "cost_usd" if unit == "USD" else "credits"
    priced = pl.col("unpriced_credits") == 0 if unit == "USD" else pl.lit(True)
    known = series.filter(pl.col("date") <= history.data_through).select(
        "series", "date", cost=pl.col(value).cast(COST), complete=priced
    )
    begun = known.filter((pl.col("cost") != 0) | ~pl.col("complete")).group_by("series").agg(first=pl.col("date").min())
    days = (
        every.unique(maintain_order=True)
        .alias("series")
        .to_frame()
        .join(begun, on="series", how="left", maintain_order="left")
        .with_columns(date=pl.date_ranges(pl.col("first").fill_null(history.first), history.data_through))
        .explode("date")
        .select("series", "date")
    )
    incomplete = pl.Series(history.incomplete, dtype=pl.Date).implode()
    return days.join(known, on=["series", "date"], how="left", maintain_order="left").select(
        "series",
        "date",
        pl.col("cost").fill_null(0),
        complete=pl.col("complete").fill_null(True) & ~pl.col("date").is_in(incomplete),
    )
