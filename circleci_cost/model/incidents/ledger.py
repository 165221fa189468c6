"""What each series cost and was expected to cost on each day, and sums of it over any days.

Grouping alarms is the job of `episodes` and `causes`.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from circleci_cost.model.anomalies.prices import PRICE_STEP
from circleci_cost.model.calendar.recurrences import months_before
from circleci_cost.model.forecast.panel import Floats, Integers

WEEK = 7
PRICE_CHANGE = "price_change"
"""The kind of a day on which a price has changed, see `model.anomalies.kinds`."""


@dataclass(frozen=True)
class Ledger:
    """Values and expectations [series × days] of all series, NaN where a day is not known or could not be judged.

    `band` is how far a day may rise above its expectation before it alarms by itself, as a share of the roots of both:
    residuals are even on that scale. `prices` is the price of a day against the first one; None where none has changed.
    """

    first: date
    position: dict[str, int]
    value: Floats
    expected: Floats
    band: Floats
    prices: Floats | None

    @property
    def days(self) -> int:
        """How many days there are."""
        return int(self.value.shape[1])

    @cached_property
    def months_before(self) -> Integers:
        """The days of former months that each day may repeat, see `recurrences.months_before`."""
        return months_before(self.first, self.days)

    def day(self, position: int) -> date:
        """The day at a position."""
        return self.first + timedelta(days=position)

    def course(self, series: str, first: int, last: int) -> tuple[Floats, Floats]:
        """Return the cost of a series from `first` to `last`, and its usual cost had nothing begun on `first`.

        The usual cost is the expectation of the same weekday in the week before `first`, because later expectations
        have learned from the change, at the prices of its day. A new series was expected to cost nothing. Unknown days
        count 0 in both.
        """
        row = self.position[series]
        days = np.arange(first, last + 1)
        before = days - WEEK * ((days - first) // WEEK + 1)
        anchor = np.maximum(before, 0)
        usual = self.expected[row, anchor]
        missing = (before < 0) | np.isnan(usual)
        if self.prices is not None:
            # The expectation of a day is at the price of the day before.
            usual = usual * self.prices[row, days] / self.prices[row, np.maximum(anchor - 1, 0)]
        if missing.any():
            usual = np.where(missing, self.expected[row, days], usual)
            usual[np.isnan(usual)] = 0.0
        value = self.value[row, first : last + 1]
        known = ~np.isnan(value)
        return np.where(known, value, 0.0), np.where(known, usual, 0.0)

    def change(self, series: str, first: int, last: int) -> tuple[float, float]:
        """Return the cost of a series less its usual cost, and the usual cost, see `course`."""
        value, usual = self.course(series, first, last)
        whole = float(usual.sum())
        return float(value.sum()) - whole, whole

    def impact(self, series: str, first: int, last: int) -> float:
        """Return the cost of a series less its usual cost."""
        return self.change(series, first, last)[0]

    def usual_day(self, series: str, last: int) -> float:
        """Return the mean expected cost of a day over the week that ends on `last`."""
        expected = self.expected[self.position[series], max(last - WEEK + 1, 0) : last + 1]
        known = expected[~np.isnan(expected)]
        return float(known.mean()) if len(known) else 0.0


def ledger_of(judged: pl.DataFrame) -> Ledger:
    """Lay the rows of `detection.detect` out as matrices."""
    series, dates = judged.get_column("series"), judged.get_column("date")
    number = series.rle_id()
    names = series.filter((number != number.shift(1)).fill_null(True))
    if names.n_unique() < len(names):
        return ledger_of(judged.sort("series", "date"))
    first: date = judged.select(pl.col("date").min()).item()
    day = (dates.to_physical() - dates.to_physical().min()).to_numpy()
    shape = (len(names), int(day.max()) + 1)
    place = number.to_numpy().astype(np.int64) * shape[1] + day

    def matrix(values: pl.Expr) -> Floats:
        laid_out = np.full(shape, np.nan)
        laid_out.ravel()[place] = judged.select(values).to_series().to_numpy()
        return laid_out

    position = {name: row for row, name in enumerate(names.to_list())}
    return Ledger(
        first,
        position,
        matrix(pl.col("value")),
        matrix(pl.col("expected")),
        matrix((pl.col("upper") / pl.col("expected")).sqrt() - 1.0),
        _prices(judged, position, first, shape),
    )


def price_step() -> pl.Expr:
    """The relative change of a price on a day of the kind `PRICE_CHANGE`."""
    return PRICE_STEP * pl.col("score") * pl.when(pl.col("direction") == "down").then(-1.0).otherwise(1.0)


def _prices(rows: pl.DataFrame, position: dict[str, int], first: date, shape: tuple[int, int]) -> Floats | None:
    changes = rows.filter(pl.col("kind") == PRICE_CHANGE)
    if not changes.height:
        return None
    factor = np.ones(shape)
    steps = changes.select("series", (pl.col("date") - first).dt.total_days(), price_step().alias("step"))
    for series, day, step in steps.iter_rows():
        factor[position[series], day:] *= 1.0 + step
    return factor
