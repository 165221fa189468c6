"""Alarms of a series on consecutive days, as episodes.

Sums of series are `ledger`'s job, grouping episodes by cause `causes`'.
"""

from collections.abc import Iterator
from math import sqrt
from typing import NamedTuple

import numpy as np
import polars as pl

from circleci_cost.model.anomalies.course import DRIFT_DAYS
from circleci_cost.model.anomalies.kinds import OUTAGE_SHARE
from circleci_cost.model.forecast.panel import Flags
from circleci_cost.model.incidents.ledger import PRICE_CHANGE, WEEK, Ledger, price_step
from circleci_cost.model.incidents.steps import beyond_the_fortnight, is_step

# The columns of `detection.detect` that incidents are made of.
NEEDED = ("series", "date", "value", "expected", "lower", "upper", "score", "direction", "kind", "is_anomaly")
# Quiet days within an episode: a lasting change may be learned for a day or two and then alarm again.
MOST_GAP_DAYS = 2
# Kinds of `model.anomalies.kinds` that incidents treat specially.
DRIFT, LEVEL_SHIFT, NEW, WEEKEND_LEAK, OUTAGE = "drift", "level_shift", "new", "weekend_leak", "outage"
# Alarms at the threshold are sometimes chance; alarms a fifth above it hardly ever are.
_CLEAR_SCORE = 1.2
# Two days on end that alarm by themselves are as sure when their scores add up to this: the sum of two normal numbers
# that correlate by a half. On five sets (seeds 1, 2, 31, 32) this told of no false incident more.
_CLEAR_PAIR = _CLEAR_SCORE * sqrt(3.0)
_BY_ITSELF = ("spike", "drop", OUTAGE, WEEKEND_LEAK)


class Episode(NamedTuple):
    """Days in alarm of one series in one direction, with at most `MOST_GAP_DAYS` between them.

    `first`, `last`, `clear` and `since` are positions of days; `clear` is the first day whose alarm cannot be chance,
    if any. A drift began on `since`, before it could be detected. One that `steps` goes beyond a change
    of the series that was running already.
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
    steps: bool = False

    @property
    def since(self) -> int:
        """The day on which the change is assumed to have begun."""
        return max(self.first - DRIFT_DAYS, 0) if self.drifts else self.first


def episodes_of(judged: pl.DataFrame, ledger: Ledger) -> list[Episode]:
    """Group the alarms of each series and direction into episodes, in the order of their first days.

    A price change is an episode of its own; had its day been in alarm at the new price as well, it is in another
    episode, too. The first week of a new series is an episode: nothing was expected, so that its whole cost is more.
    """
    is_price = (pl.col("kind") == PRICE_CHANGE).fill_null(False)
    days = judged.filter(pl.col("is_anomaly") | is_price).with_columns(
        (pl.col("date") - ledger.first).dt.total_days().alias("day")
    )
    prices = days.filter(is_price)
    return sorted(
        [
            *_grouped(pl.concat([days.filter(~is_price), _beside_prices(prices)]), ledger),
            *_price_changes(prices.filter("is_anomaly")),
            *_new_series(judged, ledger),
        ],
        key=lambda episode: (episode.first, episode.series, episode.direction, episode.kind == PRICE_CHANGE),
    )


def _price_changes(prices: pl.DataFrame) -> Iterator[Episode]:
    for series, direction, day, score in prices.select("series", "direction", "day", "score").iter_rows():
        yield Episode(series, direction, day, day, PRICE_CHANGE, score, 1)


def _beside_prices(prices: pl.DataFrame) -> pl.DataFrame:
    """The days of a price change that alarm at the new price, too: the detector gives a day one kind alone."""
    ratio = pl.col("value") / (pl.col("expected") * (1.0 + price_step()))
    upper, lower = (pl.col(name) / pl.col("expected") for name in ("upper", "lower"))
    score = (ratio.sqrt() - 1.0).abs() / (upper.sqrt() - 1.0)
    return prices.filter((ratio > upper) | (ratio < lower)).with_columns(
        score.alias("score"),
        pl.when(ratio > 1).then(pl.lit("up")).otherwise(pl.lit("down")).alias("direction"),
        pl.when(ratio > 1)
        .then(pl.lit("spike"))
        .when(ratio <= OUTAGE_SHARE)
        .then(pl.lit(OUTAGE))
        .otherwise(pl.lit("drop"))
        .alias("kind"),
    )


def _new_series(judged: pl.DataFrame, ledger: Ledger) -> Iterator[Episode]:
    first_days = judged.filter((pl.col("kind") == NEW) & ~pl.col("is_anomaly")).select("series", "date")
    for series, day in first_days.sort("date", "series").iter_rows():
        begin = (day - ledger.first).days
        yield Episode(series, "up", begin, min(begin + WEEK, ledger.days) - 1, NEW, 1.0, 0)


def _grouped(alarms: pl.DataFrame, ledger: Ledger) -> list[Episode]:
    rows = alarms.sort("series", "direction", "day")
    apart = pl.col("day") - pl.col("day").shift(1) > MOST_GAP_DAYS + 1
    other = (pl.col("series") != pl.col("series").shift(1)) | (pl.col("direction") != pl.col("direction").shift(1))
    groups = (
        rows.with_columns(pl.Series("steps", _steps(rows, ledger)))
        .with_columns((apart | other | pl.col("steps")).fill_null(True).cum_sum().alias("episode"))
        .group_by("episode", maintain_order=True)
        .agg(
            pl.col("series", "direction").first(),
            pl.col("day").first().alias("first"),
            pl.col("day").last().alias("last"),
            pl.col("kind"),
            pl.col("score").max(),
            pl.len().alias("alarms"),
            pl.col("day").filter((pl.col("score") >= _CLEAR_SCORE) | _is_second_of_pair()).min().alias("clear"),
            pl.col("steps").first(),
        )
    )
    return [
        Episode(
            *(series, direction, first, last, kind_of(kinds), score, alarms),
            clear=clear,
            drifts=kinds[0] == DRIFT,
            steps=steps,
        )
        for _, series, direction, first, last, kinds, score, alarms, clear, steps in groups.iter_rows()
    ]


def _is_second_of_pair() -> pl.Expr:
    """Which alarms of an episode make, with that of the day before, what a weak one alone does not."""
    by_itself = pl.col("kind").is_in(_BY_ITSELF)
    on_end = by_itself & by_itself.shift(1) & (pl.col("day") - pl.col("day").shift(1) == 1)
    return (on_end & (pl.col("score") + pl.col("score").shift(1) >= _CLEAR_PAIR)).fill_null(False)


def _steps(alarms: pl.DataFrame, ledger: Ledger) -> Flags:
    """Return which alarms step beyond the change that is running, and so begin another; a week without ends it."""
    steps = np.zeros(alarms.height, dtype=np.bool_)
    if not alarms.height:
        return steps
    day = alarms.get_column("day").to_numpy()
    row = alarms.get_column("series").replace_strict(ledger.position, return_dtype=pl.Int64).to_numpy()
    sign = np.where(alarms.get_column("direction").to_numpy() == "down", -1.0, 1.0)
    begins = np.ones(len(day), dtype=np.bool_)
    begins[1:] = (row[1:] != row[:-1]) | (sign[1:] != sign[:-1]) | (day[1:] - day[:-1] > WEEK)
    running = np.maximum.accumulate(np.where(begins, np.arange(len(day)), 0))
    # A drift is what has come about for weeks.
    sudden = alarms.get_column("kind").to_numpy() != DRIFT
    late = sudden & (day - day[running] > MOST_GAP_DAYS)
    candidates = np.flatnonzero(late & beyond_the_fortnight(ledger, row, day, sign))
    names = alarms.get_column("series").gather(candidates).to_list()
    former = -1
    for number, series in zip(candidates.tolist(), names, strict=True):
        begin = int(day[max(former, running[number])])
        if day[number] - begin > MOST_GAP_DAYS and is_step(ledger, series, sign[number], begin, int(day[number])):
            steps[number] = True
            former = number
    return steps


def kind_of(kinds: list[str]) -> str:
    """Return the kind of an episode from those of its days: facts first, then lasting kinds, then short ones."""
    for kind in (PRICE_CHANGE, NEW, "vanished", OUTAGE, DRIFT):
        if kind in kinds:
            return kind
    if set(kinds) == {WEEKEND_LEAK}:
        return WEEKEND_LEAK
    if LEVEL_SHIFT in kinds or len(kinds) > MOST_GAP_DAYS:
        return LEVEL_SHIFT
    return kinds[-1]
