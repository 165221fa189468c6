"""Daily usage of many series as matrices [series × days], with their runs and prices where known.

Only the layout of the data; judging it is `detection`'s job.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from circleci_cost.model.anomalies.definition import IgnoredPeriod
from circleci_cost.model.anomalies.prices import usage_and_price
from circleci_cost.model.forecast.panel import Flags, Floats, Panel

_NEEDED = ("series", "date", "cost")
_OPTIONAL = ("runs", "credits", "cost_squared")
# Series are independent of each other, so they are processed in blocks to save memory.
_SERIES_AT_ONCE = 1_500


@dataclass(frozen=True)
class Observations(Panel):
    """A panel with runs and prices where known, all [series × days].

    `usage` is what is judged: credits where they are given, so that a new price does not look like more usage, else
    cost. `price` is cost per usage, NaN on a day without usage. `squares` (sum over runs of their squared usage) and
    `runs` are None where they are not given.
    """

    usage: Floats
    price: Floats
    runs: Floats | None
    squares: Floats | None


def observations_of(daily: pl.DataFrame, ignored: Sequence[IgnoredPeriod] = ()) -> Iterator[Observations]:
    """Lay daily rows out as matrices, a thousand series at a time, by name.

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
    complete = pl.col("complete").fill_null(False) if "complete" in daily.columns else pl.lit(True)
    numbers = [pl.col(name).cast(pl.Float64) for name in ("cost", *given)]
    known = complete & pl.col("cost").cast(pl.Float64).is_finite().fill_null(False)
    rows = daily.lazy().select(pl.col("series").cast(pl.String), pl.col("date").cast(pl.Date), *numbers, known=known)
    days = rows.select("date").unique().collect().to_series().sort()
    names = rows.select("series").unique().collect().to_series().sort()
    first, last = days[0], days[-1]
    reported = np.zeros((last - first).days + 1, dtype=np.bool_)
    reported[(days - first).dt.total_days().to_numpy()] = True
    reported &= ~_days_of(ignored, first, len(reported))
    for start in range(0, len(names), _SERIES_AT_ONCE):
        some = names[start : start + _SERIES_AT_ONCE]
        yield _laid_out(rows.filter(pl.col("series").is_in(some.implode())), some, first, reported, given)


def _laid_out(rows: pl.LazyFrame, names: pl.Series, first: date, reported: Flags, given: Sequence[str]) -> Observations:
    added = (
        rows.group_by("series", "date")
        .agg(pl.col("cost", *given).sum(), pl.col("known").all())
        .with_columns((pl.col("series").rank("dense") - 1).cast(pl.Int64).alias("row"))
        .collect()
    )
    row = added["row"].to_numpy()
    day = added.select((pl.col("date") - first).dt.total_days()).to_series().to_numpy()
    shape = (len(names), len(reported))
    begins = np.full(len(names), shape[1], dtype=np.int64)
    np.minimum.at(begins, row, day)
    known = (added["known"] & added["cost"].is_finite()).to_numpy()
    unknown = (np.arange(shape[1]) < begins[:, None]) | ~reported
    unknown[row[~known], day[~known]] = True

    def matrix(name: str) -> Floats:
        values = np.zeros(shape)
        values[row, day] = np.maximum(np.nan_to_num(added[name].to_numpy(), posinf=0.0), 0.0)
        return values

    cost = matrix("cost")
    usage, price = usage_and_price(cost, matrix("credits") if "credits" in given else cost, begins)
    negative = known & (added["cost"] < 0).to_numpy()
    cost[row[negative], day[negative]] = added["cost"].to_numpy()[negative]
    not_judged = unknown | (cost < 0)
    squares = matrix("cost_squared") if "cost_squared" in given else None
    if squares is not None:
        squares = np.divide(squares, price**2, out=np.zeros(shape), where=price > 0)
    return Observations(
        names,
        first,
        np.where(unknown, np.nan, cost),
        begins,
        usage=np.where(not_judged, np.nan, usage),
        price=np.where(not_judged, np.nan, price),
        runs=matrix("runs") if "runs" in given else None,
        squares=squares,
    )


def _days_of(ignored: Sequence[IgnoredPeriod], first: date, days: int) -> Flags:
    flags = np.zeros(days, dtype=np.bool_)
    for period in ignored:
        since, until = period.from_ or date.min, period.until or date.max
        flags[max((since - first).days, 0) : max((until - first).days + 1, 0)] = True
    return flags
