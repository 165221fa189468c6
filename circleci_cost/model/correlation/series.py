"""Daily costs of CI and of infrastructure as matrices [series × days] on one axis of days.

Only the layout of the data; removing common rhythms is `cleaning`'s job.
"""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import numpy as np
import polars as pl

from circleci_cost.model.correlation.statistics import Floats

_NEEDED = ("series", "date", "cost")


class Days(NamedTuple):
    """An axis of days, both ends included."""

    first: date
    last: date

    @property
    def number(self) -> int:
        """How many days there are."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Costs:
    """`cost` [series × days], NaN where a day is not completely known; `names` are the series in order."""

    names: pl.Series
    cost: Floats


def rows_of(daily: pl.DataFrame, what: str) -> pl.DataFrame:
    """Return one row per series and day, in order: `series`, `date`, `cost` (float, NaN where unknown).

    In: `series` (str), `date`, `cost` (Decimal, float or integer; rows of the same series and day are added) and
    optionally `complete` (bool). A day is unknown if `complete` is not true or `cost` is no number in one of its
    rows. Raises ValueError for a missing column and for a row without series or date; `what` names the frame.
    """
    missing = [name for name in _NEEDED if name not in daily.columns]
    if missing:
        raise ValueError(f"the {what} costs lack the column {missing[0]!r}; they need series, date and cost")
    complete = pl.col("complete").fill_null(False) if "complete" in daily.columns else pl.lit(True)
    rows = (
        daily.lazy()
        .select(
            pl.col("series").cast(pl.String),
            pl.col("date").cast(pl.Date),
            pl.col("cost"),
            known=complete & pl.col("cost").cast(pl.Float64).is_finite().fill_null(False),
        )
        .group_by("series", "date")
        .agg(pl.col("cost").sum().cast(pl.Float64), pl.col("known").all())
        .select("series", "date", cost=pl.when("known").then("cost").otherwise(float("nan")))
        .sort("series", "date")
        .collect()
    )
    if rows["series"].null_count() or rows["date"].null_count():
        raise ValueError(f"a row of the {what} costs has no series or no date; every row needs both")
    return rows


def days_of(*frames: pl.DataFrame) -> Days | None:
    """Return the days from the first to the last of all rows; None where there are none."""
    dates = pl.concat([frame.select("date") for frame in frames])
    if not dates.height:
        return None
    first, last = dates.select(pl.col("date").min().alias("first"), pl.col("date").max().alias("last")).row(0)
    return Days(first, last)


def costs_of(rows: pl.DataFrame, days: Days) -> Costs:
    """Lay the result of `rows_of` out over `days`; a day without a row is unknown."""
    names = rows["series"].unique().sort()
    cost = np.full((len(names), days.number), np.nan)
    places = rows.select(
        row=(pl.col("series").rank("dense") - 1).cast(pl.Int64),
        day=(pl.col("date") - days.first).dt.total_days(),
    )
    cost[places["row"].to_numpy(), places["day"].to_numpy()] = rows["cost"].to_numpy()
    return Costs(names, cost)
