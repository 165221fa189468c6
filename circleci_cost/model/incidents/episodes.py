"""Alarms of a series on days that follow each other, as episodes; and exact sums of any series over any days.

What belongs to one cause is `causes`' to find.
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
# Quiet days within an episode: what goes on has been learned for a while, and is found again.
MOST_GAP_DAYS = 2
# Names of kinds, as `model.anomalies.kinds` gives them, that incidents treat in a way of their own.
DRIFT, LEVEL_SHIFT, NEW, PRICE_CHANGE, WEEKEND_LEAK = "drift", "level_shift", "new", "price_change", "weekend_leak"
# Alarms at the threshold are chance now and then, those a fifth above it hardly ever.
_CLEAR_SCORE = 1.2


class Episode(NamedTuple):
    """Days in alarm of one series in one direction, with at most `MOST_GAP_DAYS` between them.

    `first`, `last`, `clear` and `since` are positions of days; `clear` is the first one that no chance brings about, if
    any. What a drift has changed began `since`, before it could be told.
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
        """The day on which the change is taken to have begun."""
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
        """What a series cost on the days from `first` to `last`, and what it would have, had nothing begun on `first`.

        That is what was expected of the same weekday in the week before: later expectations have learned from what
        has happened since. A series that was not there before was expected to cost nothing. Days that are not known
        count for nothing in both.
        """
        row = self.position[series]
        days = np.arange(first, last + 1)
        before = days - WEEK * ((days - first) // WEEK + 1)
        anchored = np.where(before >= 0, self.expected[row, np.maximum(before, 0)], np.nan)
        usual = np.nan_to_num(np.where(np.isnan(anchored), self.expected[row, days], anchored))
        known = ~np.isnan(self.value[row, days])
        return np.where(known, self.value[row, days], 0.0), np.where(known, usual, 0.0)

    def impact(self, series: str, first: int, last: int) -> float:
        """What a series cost beyond what it would have."""
        value, usual = self.course(series, first, last)
        return float(value.sum() - usual.sum())

    def usual(self, series: str, first: int, last: int) -> float:
        """What a series would have cost."""
        return float(self.course(series, first, last)[1].sum())

    def usual_day(self, series: str, last: int) -> float:
        """What a day of a series was expected to cost on average over the week that ends on `last`."""
        expected = self.expected[self.position[series], max(last - WEEK + 1, 0) : last + 1]
        known = expected[~np.isnan(expected)]
        return float(known.mean()) if len(known) else 0.0


def ledger_of(judged: pl.DataFrame) -> Ledger:
    """Lay out the rows of `anomalies.detect`."""
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
    """Put the alarms of each series and direction together, in the order of their first days.

    The first week of a new series is an episode, too: nothing was expected of it, and all that it costs is more.
    """
    return sorted([*_alarms(judged, first), *_new_series(judged, first)], key=lambda each: (each.first, each.series))


def _new_series(judged: pl.DataFrame, first: date) -> Iterator[Episode]:
    last: date = judged.select(pl.col("date").max()).item()
    found = judged.filter((pl.col("kind") == NEW) & ~pl.col("is_anomaly")).select("series", "date")
    for series, day in found.sort("date", "series").iter_rows():
        begin = (day - first).days
        yield Episode(series, "up", begin, min(begin + WEEK - 1, (last - first).days), NEW, 1.0, 0)


def _alarms(judged: pl.DataFrame, first: date) -> list[Episode]:
    apart = pl.col("date") - pl.col("date").shift(1) > pl.duration(days=MOST_GAP_DAYS + 1)
    other = (pl.col("series") != pl.col("series").shift(1)) | (pl.col("direction") != pl.col("direction").shift(1))
    found = (
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
        for _, series, direction, begin, end, kinds, score, alarms, clear in found.iter_rows()
    ]


def kind_of(kinds: list[str]) -> str:
    """Return what an episode is, from the kinds of its days: facts first, then what lasts, then what is short."""
    for kind in (PRICE_CHANGE, NEW, "vanished", "outage", DRIFT):
        if kind in kinds:
            return kind
    if set(kinds) == {WEEKEND_LEAK}:
        return WEEKEND_LEAK
    if LEVEL_SHIFT in kinds or len(kinds) > MOST_GAP_DAYS:
        return LEVEL_SHIFT
    return kinds[-1]
