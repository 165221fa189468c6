"""What each series cost and was expected to cost on each day, and sums of it over any days.

Grouping alarms is the job of `episodes` and `causes`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from circleci_cost.model.anomalies.prices import PRICE_STEP
from circleci_cost.model.calendar.recurrences import months_before
from circleci_cost.model.forecast.panel import Floats, Integers

WEEK = 7
# What is laid out takes copies on its way, so it is done for some rows at a time.
_ROWS_AT_ONCE = 500_000
PRICE_CHANGE = "price_change"
"""The kind of a day on which a price has changed, see `model.anomalies.kinds`."""


@dataclass(frozen=True)
class Ledger:
    """Values and expectations [series × days] of all series, NaN where a day is not known or could not be judged.

    `band` is how far a day may rise above its expectation before it alarms by itself, as a share of the roots of both:
    residuals are even on that scale. `prices` has the price of each day against the first one, by row, of series
    whose price has changed.
    """

    first: date
    position: dict[str, int]
    value: Floats
    expected: Floats
    band: Floats
    prices: Mapping[int, Floats]

    @property
    def days(self) -> int:
        """How many days there are."""
        return int(self.value.shape[1])

    @cached_property
    def _of_week(self) -> Integers:
        """The position in the week of as many days as there are, counted from the first one."""
        return np.arange(self.days) % WEEK

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
        row, end = self.position[series], last + 1
        value = self.value[row, first:end]
        # Days of the week before the first day of all are not known.
        week = self.expected[row, max(first - WEEK, 0) : first]
        week = week if first >= WEEK else np.concatenate([np.full(WEEK - first, np.nan), week])
        of_week = self._of_week[: end - first]
        usual = week[of_week]
        prices = self.prices.get(row)
        if prices is not None:
            # The expectation of a day is at the price of the day before.
            usual = usual * prices[first:end] / prices[np.maximum(of_week + (first - WEEK - 1), 0)]
        if np.isnan(usual.sum()):
            usual = np.where(np.isnan(usual), self.expected[row, first:end], usual)
            usual[np.isnan(usual)] = 0.0
        if np.isnan(value.sum()):
            known = ~np.isnan(value)
            return np.where(known, value, 0.0), np.where(known, usual, 0.0)
        return value, usual

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
    series = judged.get_column("series")
    number = series.rle_id()
    names = series.filter((number != number.shift(1)).fill_null(True))
    if names.n_unique() < len(names):
        return ledger_of(judged.sort("series", "date"))
    first: date = judged.select(pl.col("date").min()).item()
    shape = (len(names), (judged.select(pl.col("date").max()).item() - first).days + 1)
    value, expected, band = (np.full(shape, np.nan) for _ in range(3))
    done = 0
    for rows in judged.iter_slices(_ROWS_AT_ONCE):
        row = number.slice(done, rows.height).to_numpy().astype(np.int64)
        place = row * shape[1] + (rows.get_column("date") - first).dt.total_days().to_numpy()
        done += rows.height
        for matrix, column in ((value, "value"), (expected, "expected")):
            matrix.ravel()[place] = rows.get_column(column).to_numpy()
        of_root = rows.select((pl.col("upper") / pl.col("expected")).sqrt() - 1.0)
        band.ravel()[place] = of_root.to_series().to_numpy()
    position = {name: row for row, name in enumerate(names.to_list())}
    return Ledger(first, position, value, expected, band, _prices(judged, position, first, shape[1]))


def price_step() -> pl.Expr:
    """The relative change of a price on a day of the kind `PRICE_CHANGE`."""
    return PRICE_STEP * pl.col("score") * pl.when(pl.col("direction") == "down").then(-1.0).otherwise(1.0)


def _prices(rows: pl.DataFrame, position: dict[str, int], first: date, days: int) -> dict[int, Floats]:
    changes = rows.filter(pl.col("kind") == PRICE_CHANGE)
    factors: dict[int, Floats] = {}
    steps = changes.select("series", (pl.col("date") - first).dt.total_days(), price_step().alias("step"))
    for series, day, step in steps.iter_rows():
        factors.setdefault(position[series], np.ones(days))[day:] *= 1.0 + step
    return factors
