"""Daily usage of many series as matrices [series × days], with their runs and prices where known.

Only the layout of the data; judging it is `detection`'s job.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Self

import numpy as np
import polars as pl

from circleci_cost.model.anomalies.definition import IgnoredPeriod
from circleci_cost.model.anomalies.prices import usage_and_price
from circleci_cost.model.forecast.panel import Flags, Floats, Integers, Panel

_NEEDED = ("series", "date", "cost")
_OPTIONAL = ("runs", "credits", "cost_squared")
# Series are independent of each other, so they are processed in blocks to save memory.
_SERIES_AT_ONCE = 2_500


@dataclass(frozen=True)
class Observations(Panel):
    """A panel with runs and prices where known, all [series × days]; a day lies in one piece.

    `usage` is what is judged: credits where they are given, so that a new price does not look like more usage, else
    cost. `price` is cost per usage, NaN on a day without usage. `squares` (sum over runs of their squared usage) and
    `runs` are None where they are not given.
    """

    usage: Floats
    price: Floats
    runs: Floats | None
    squares: Floats | None

    def part(self, some: slice) -> Self:
        """Return the panel of some of the series."""
        runs, squares = (None if values is None else values[some] for values in (self.runs, self.squares))
        return replace(
            self,
            names=self.names[some],
            cost=self.cost[some],
            begins=self.begins[some],
            usage=self.usage[some],
            price=self.price[some],
            runs=runs,
            squares=squares,
        )


def observations_of(daily: pl.DataFrame, ignored: Sequence[IgnoredPeriod] = ()) -> Iterator[Observations]:
    """Lay daily rows out as matrices, some thousand series at a time, by name.

    In: `series` (str), `date`, `cost` (Decimal, float or integer; rows of the same series and day are added) and
    optionally `runs`, `credits` (only where a series has one price a day), `cost_squared` (sum over runs of
    their squared cost) and `complete` (bool); a null there means not known. From the series' first day on,
    a day without a row is a zero if any other series has a row on it, and unknown otherwise. Days that are not
    `complete` or lie in an ignored period are unknown too. So is the usage of a day whose cost is negative: a
    correction of other days; other negative values count as zero. Raises ValueError for a missing column and for a row
    without series or date.
    """
    missing = [name for name in _NEEDED if name not in daily.columns]
    if missing:
        raise ValueError(f"daily costs lack the column {missing[0]!r}; they need series, date and cost")
    if daily["series"].null_count() or daily["date"].null_count():
        raise ValueError("a row of daily costs has no series or no date; every row needs both")
    if not daily.height:
        return
    given = [name for name in _OPTIONAL if name in daily.columns]
    dates = daily.get_column("date").cast(pl.Date)
    days = dates.unique().sort()
    first, last = days[0], days[-1]
    reported = np.zeros((last - first).days + 1, dtype=np.bool_)
    reported[(days - first).dt.total_days().to_numpy()] = True
    reported &= ~_days_of(ignored, first, len(reported))
    series = daily.get_column("series").cast(pl.String)
    names = series.unique().sort()
    row = series.cast(pl.Enum(names)).to_physical().to_numpy()
    # Rows by series are read as they lie; others are put in order once.
    order = None if bool((row[1:] >= row[:-1]).all()) else np.argsort(row, kind="stable")
    bounds = np.searchsorted(row, np.arange(len(names) + 1), sorter=order)
    complete = pl.col("complete").fill_null(False) if "complete" in daily.columns else pl.lit(True)
    numbers = [pl.col(name).cast(pl.Float64) for name in ("cost", *given)]
    known = complete & pl.col("cost").cast(pl.Float64).is_finite().fill_null(False)
    day = (pl.col("date").cast(pl.Date) - first).dt.total_days().alias("day")
    for start in range(0, len(names), _SERIES_AT_ONCE):
        some = names[start : start + _SERIES_AT_ONCE]
        begin, end = bounds[start], bounds[start + len(some)]
        rows = daily.slice(begin, end - begin) if order is None else daily[order[begin:end]]
        own = row[begin:end] if order is None else row[order[begin:end]]
        yield _laid_out(rows.select(*numbers, day, known=known), own.astype(np.int64) - start, some, first, reported)


def _laid_out(rows: pl.DataFrame, row: Integers, names: pl.Series, first: date, reported: Flags) -> Observations:
    """Lay the rows of some series out; `row` is the position of each one's series in `names`."""
    shape = (len(reported), len(names))
    day, is_known = rows["day"].to_numpy(), rows["known"].to_numpy()
    # By day, and turned at the end: the detector goes through the days one after the other.
    place = day * shape[1] + row
    begins = np.full(shape[1], shape[0], dtype=np.int64)
    np.minimum.at(begins, row, day)
    unknown = (np.arange(shape[0])[:, None] < begins) | ~reported[:, None]

    def added(name: str) -> Floats:
        values = rows[name].fill_null(0.0).to_numpy()
        summed = np.bincount(place, weights=values, minlength=shape[0] * shape[1])
        return summed.astype(np.float64, copy=False).reshape(shape)

    def positive(values: Floats) -> Floats:
        values[~((values > 0) & (values < np.inf))] = 0.0
        return values

    cost = added("cost")
    unusable = ~np.isfinite(cost)
    unusable.ravel()[place[~is_known]] = True
    unknown |= unusable
    negative = ~unusable & (cost < 0)
    corrections = cost[negative]
    cost = positive(cost)
    usage, price = usage_and_price(cost, positive(added("credits")) if "credits" in rows.columns else cost, begins)
    not_judged = unknown | negative
    cost[negative], cost[unknown] = corrections, np.nan
    squares = positive(added("cost_squared")) if "cost_squared" in rows.columns else None
    if squares is not None:
        squares = np.divide(squares, price**2, out=np.zeros(shape), where=price > 0)
    usage[not_judged] = price[not_judged] = np.nan
    return Observations(
        names,
        first,
        cost.T,
        begins,
        usage=usage.T,
        price=price.T,
        runs=positive(added("runs")).T if "runs" in rows.columns else None,
        squares=None if squares is None else squares.T,
    )


def _days_of(ignored: Sequence[IgnoredPeriod], first: date, days: int) -> Flags:
    flags = np.zeros(days, dtype=np.bool_)
    for period in ignored:
        since, until = period.from_ or date.min, period.until or date.max
        flags[max((since - first).days, 0) : max((until - first).days + 1, 0)] = True
    return flags
