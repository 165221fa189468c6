"""Alarms of a series on consecutive days, as episodes; and exact sums of any series over any days.

Grouping episodes by cause is `causes`' job.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl

from circleci_cost.model.anomalies.course import DRIFT_DAYS
from circleci_cost.model.forecast.panel import Floats

WEEK = 7
# Quiet days within an episode: a lasting change may be learned for a day or two and then alarm again.
MOST_GAP_DAYS = 2
# Kinds of `model.anomalies.kinds` that incidents treat specially.
DRIFT, LEVEL_SHIFT, NEW, PRICE_CHANGE, WEEKEND_LEAK = "drift", "level_shift", "new", "price_change", "weekend_leak"
# Alarms at the threshold are sometimes chance; alarms a fifth above it hardly ever are.
_CLEAR_SCORE = 1.2


class Episode(NamedTuple):
    """Days in alarm of one series in one direction, with at most `MOST_GAP_DAYS` between them.

    `first`, `last`, `clear` and `since` are positions of days; `clear` is the first day whose alarm cannot be chance,
    if any. A drift began on `since`, before it could be detected.
    """

    series: str
    direction: str
    first: int
    last: int
    kind: str
    score: float
    alarms: int
    clear: int | None = None
    drifts: bool = False

    @property
    def since(self) -> int:
        """The day on which the change is assumed to have begun."""
        return max(self.first - DRIFT_DAYS, 0) if self.drifts else self.first


@dataclass(frozen=True)
class Ledger:
    """Values and expectations [series × days] of all series, NaN where a day is not known or could not be judged."""

    first: date
    position: dict[str, int]
    value: Floats
    expected: Floats

    @property
    def days(self) -> int:
        """How many days there are."""
        return int(self.value.shape[1])

    def day(self, position: int) -> date:
        """The day at a position."""
        return self.first + timedelta(days=position)

    def course(self, series: str, first: int, last: int) -> tuple[Floats, Floats]:
        """Return the cost of a series from `first` to `last`, and its usual cost had nothing begun on `first`.

        The usual cost is the expectation of the same weekday in the week before `first`, because later expectations
        have learned from the change. A new series was expected to cost nothing. Unknown days count 0 in both.
        """
        row = self.position[series]
        days = np.arange(first, last + 1)
        before = days - WEEK * ((days - first) // WEEK + 1)
        anchored = np.where(before >= 0, self.expected[row, np.maximum(before, 0)], np.nan)
        usual = np.nan_to_num(np.where(np.isnan(anchored), self.expected[row, days], anchored))
        known = ~np.isnan(self.value[row, days])
        return np.where(known, self.value[row, days], 0.0), np.where(known, usual, 0.0)

    def impact(self, series: str, first: int, last: int) -> float:
        """Return the cost of a series less its usual cost."""
        value, usual = self.course(series, first, last)
        return float(value.sum() - usual.sum())

    def usual(self, series: str, first: int, last: int) -> float:
        """Return the usual cost of a series, see `course`."""
        return float(self.course(series, first, last)[1].sum())

    def usual_day(self, series: str, last: int) -> float:
        """Return the mean expected cost of a day over the week that ends on `last`."""
        expected = self.expected[self.position[series], max(last - WEEK + 1, 0) : last + 1]
        known = expected[~np.isnan(expected)]
        return float(known.mean()) if len(known) else 0.0


def ledger_of(judged: pl.DataFrame) -> Ledger:
    """Lay the rows of `detection.detect` out as matrices."""
    names = judged.get_column("series").unique().sort()
    first: date = judged.select(pl.col("date").min()).item()
    row = (judged.get_column("series").rank("dense").to_numpy() - 1).astype(np.int64)
    day = judged.select((pl.col("date") - first).dt.total_days()).to_series().to_numpy()
    shape = (len(names), int(day.max()) + 1)
    value, expected = np.full(shape, np.nan), np.full(shape, np.nan)
    value[row, day] = judged.get_column("value").to_numpy()
    expected[row, day] = judged.get_column("expected").to_numpy()
    return Ledger(first, {name: number for number, name in enumerate(names.to_list())}, value, expected)


def episodes_of(judged: pl.DataFrame, first: date) -> list[Episode]:
    """Group the alarms of each series and direction into episodes, in the order of their first days.

    The first week of a new series is an episode, too: nothing was expected, so that its whole cost is more.
    """
    return sorted(
        [*_alarms(judged, first), *_new_series(judged, first)], key=lambda episode: (episode.first, episode.series)
    )


def _new_series(judged: pl.DataFrame, first: date) -> Iterator[Episode]:
    last: date = judged.select(pl.col("date").max()).item()
    first_days = judged.filter((pl.col("kind") == NEW) & ~pl.col("is_anomaly")).select("series", "date")
    for series, day in first_days.sort("date", "series").iter_rows():
        begin = (day - first).days
        yield Episode(series, "up", begin, min(begin + WEEK - 1, (last - first).days), NEW, 1.0, 0)


def _alarms(judged: pl.DataFrame, first: date) -> list[Episode]:
    apart = pl.col("date") - pl.col("date").shift(1) > pl.duration(days=MOST_GAP_DAYS + 1)
    other = (pl.col("series") != pl.col("series").shift(1)) | (pl.col("direction") != pl.col("direction").shift(1))
    groups = (
        judged.filter("is_anomaly")
        .sort("series", "direction", "date")
        .with_columns((apart | other).fill_null(True).cum_sum().alias("episode"))
        .group_by("episode", maintain_order=True)
        .agg(
            pl.col("series", "direction").first(),
            pl.col("date").min().alias("first"),
            pl.col("date").max().alias("last"),
            pl.col("kind"),
            pl.col("score").max(),
            pl.len().alias("alarms"),
            pl.col("date").filter(pl.col("score") >= _CLEAR_SCORE).min().alias("clear"),
        )
    )
    return [
        Episode(
            *(series, direction, (begin - first).days, (end - first).days, kind_of(kinds), score, alarms),
            clear=(clear - first).days if clear else None,
            drifts=kinds[0] == DRIFT,
        )
        for _, series, direction, begin, end, kinds, score, alarms, clear in groups.iter_rows()
    ]


def kind_of(kinds: list[str]) -> str:
    """Return the kind of an episode from those of its days: facts first, then lasting kinds, then short ones."""
    for kind in (PRICE_CHANGE, NEW, "vanished", "outage", DRIFT):
        if kind in kinds:
            return kind
    if set(kinds) == {WEEKEND_LEAK}:
        return WEEKEND_LEAK
    if LEVEL_SHIFT in kinds or len(kinds) > MOST_GAP_DAYS:
        return LEVEL_SHIFT
    return kinds[-1]
