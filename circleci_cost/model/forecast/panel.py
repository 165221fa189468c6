"""Daily costs of many series as one matrix [series × days], and the calendar of its days.

Only the layout of the data; estimating is left to `methods`.
"""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.calendar.special_days import KINDS, special_days

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

_NEEDED = ("series", "date", "cost")


@dataclass(frozen=True)
class Panel:
    """`cost` [series × days] from `first` on: NaN before a series begins and where a day is not completely known.

    `names` are the series in order; `begins` is the position of each series' first day.
    """

    names: pl.Series
    first: date
    cost: Floats
    begins: Integers

    @property
    def days(self) -> int:
        """How many days the matrix has."""
        return int(self.cost.shape[1])

    @property
    def last(self) -> date:
        """The last known day, of all series together."""
        return self.first + timedelta(days=self.days - 1)


@dataclass(frozen=True)
class CalendarDays:
    """The days from the panel's first on: `weekday` 0 (Monday) to 6, `kind` −1 or the position in `KINDS`."""

    weekday: Integers
    kind: Integers


def panel_of(daily: pl.DataFrame) -> Panel:
    """Lay daily rows out as a matrix.

    In: `series` (str), `date`, `cost` (Decimal, float or integer; rows of the same series and day are added) and
    optionally `complete` (bool). A day without a row is a zero from the series' first day to the last day of all
    series; a day is unknown if `complete` is false or `cost` is no number; a negative cost counts as zero. Raises
    ValueError for a missing column and for a row without series or date.
    """
    missing = [name for name in _NEEDED if name not in daily.columns]
    if missing:
        raise ValueError(f"daily costs lack the column {missing[0]!r}; they need series, date and cost")
    complete = pl.col("complete").fill_null(False) if "complete" in daily.columns else pl.lit(True)
    number = pl.col("cost").cast(pl.Float64)
    rows = (
        daily.lazy()
        .select(
            pl.col("series").cast(pl.String),
            pl.col("date").cast(pl.Date),
            pl.when(complete & number.is_finite()).then(number).otherwise(float("nan")).alias("cost"),
        )
        .group_by("series", "date")
        .agg(pl.col("cost").sum())
        .with_columns((pl.col("series").rank("dense") - 1).cast(pl.Int64).alias("row"))
        .collect()
    )
    if rows["series"].null_count() or rows["date"].null_count():
        raise ValueError("a row of daily costs has no series or no date; every row needs both")
    names = rows["series"].unique().sort()
    if not rows.height:
        return Panel(names, date.min, np.empty((0, 0)), np.empty(0, dtype=np.int64))
    first = rows.select(pl.col("date").min()).item()
    row = rows["row"].to_numpy()
    day = rows.select((pl.col("date") - first).dt.total_days()).to_series().to_numpy()
    begins = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(begins, row, day)
    cost = np.zeros((len(names), int(day.max()) + 1))
    cost[row, day] = np.maximum(rows["cost"].to_numpy(), 0.0)
    cost[np.arange(cost.shape[1])[None, :] < begins[:, None]] = np.nan
    return Panel(names, first, cost, begins)


def calendar_days(first: date, days: int, calendar: Calendar) -> CalendarDays:
    """Return the weekdays and special days of `days` days from `first` on."""
    kind = np.full(days, -1, dtype=np.int64)
    special = special_days(first, first + timedelta(days=days - 1), calendar)
    for day, name in special.iter_rows():
        kind[(day - first).days] = KINDS.index(name)
    return CalendarDays((np.arange(days, dtype=np.int64) + first.weekday()) % 7, kind)


def days_between(cost: Floats, cuts: Integers, first: int, end: int) -> Floats:
    """Return the days from `first` to before `end`, counted from each of the `cuts` [cut × series × day].

    Those outside of the panel are NaN.
    """
    days = np.full((len(cuts), len(cost), end - first), np.nan)
    for number, cut in enumerate(cuts.tolist()):
        inside = cost[:, max(cut + first, 0) : max(cut + end, 0)]
        begin = max(-cut - first, 0)
        days[number, :, begin : begin + inside.shape[1]] = inside
    return days
