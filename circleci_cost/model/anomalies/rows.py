"""The judgements of all days, as matrices and as the rows of `detection.detect`, in the unit of cost.

Nothing is judged here but prices, whose changes are facts.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from circleci_cost.model.anomalies.definition import DIRECTIONS
from circleci_cost.model.anomalies.kinds import KINDS, NEW, PRICE_CHANGE
from circleci_cost.model.anomalies.panel import Observations
from circleci_cost.model.anomalies.prices import PRICE_STEP, price_course
from circleci_cost.model.anomalies.state import MINIMUM_DAYS
from circleci_cost.model.forecast.panel import Flags, Floats, Integers

_Item = TypeVar("_Item", bound=np.generic)

NOTES = ("too short a history", "the day is not completely known", "a correction: the cost of the day is negative")
_TOO_SHORT, _UNKNOWN, _CORRECTION = range(len(NOTES))
MOST_SCORE = 100.0
"""Where next to nothing was expected, there is no scale: the score of whatever comes is this at most."""
ANOMALY_SCHEMA = pl.Schema(
    {
        "series": pl.String(),
        "date": pl.Date(),
        "value": pl.Float64(),
        "expected": pl.Float64(),
        "lower": pl.Float64(),
        "upper": pl.Float64(),
        "score": pl.Float64(),
        "direction": pl.String(),
        "kind": pl.String(),
        "is_anomaly": pl.Boolean(),
        "note": pl.String(),
    }
)
# Rows need several copies of the numbers on their way, so they are made of few series at a time.
_SERIES_AT_ONCE = 500


class Judgements:
    """The judgements of all days [series × days], in the unit of usage; NaN where a day could not be judged."""

    def __init__(self, shape: tuple[int, int]) -> None:
        """Start with nothing judged."""
        # A day lies in one piece, since the days are written one after the other.
        self.expected, self.lower, self.upper, self.score = (np.full(shape, np.nan, order="F") for _ in range(4))
        self.kind = np.full(shape, -1, dtype=np.int8, order="F")

    def keep(self, number: int, ready: Flags, values: dict[str, Floats], kinds: Integers) -> None:
        """Keep a day's numbers of the series that were judged, and the kinds."""
        for name, value in values.items():
            getattr(self, name)[:, number] = np.where(ready, value, np.nan)
        self.kind[:, number] = kinds

    def part(self, some: slice) -> "Judgements":
        """Return those of some series."""
        part = Judgements((0, 0))
        for name, values in vars(self).items():
            setattr(part, name, values[some])
        return part


def rows_of(seen: Observations, judgements: Judgements, directions: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Bring the judgements into rows of `ANOMALY_SCHEMA`, by series; anomalies are those of the given directions."""
    for start in range(0, len(seen.names), _SERIES_AT_ONCE):
        some = slice(start, start + _SERIES_AT_ONCE)
        yield _rows(seen.part(some), judgements.part(some), directions)


def _rows(seen: Observations, judgements: Judgements, directions: Sequence[str]) -> pl.DataFrame:
    prices = price_course(seen.price)
    judged = ~np.isnan(judgements.score)
    changed = judged & prices.changed & (judgements.expected > 0)
    judgements.kind[changed] = PRICE_CHANGE
    sign = np.where(changed, np.sign(prices.step), np.sign(judgements.score))
    # The score of a price change is its size, which incidents read.
    of_days = np.minimum(np.abs(judgements.score), MOST_SCORE)
    score = np.where(changed, np.maximum(1.0, np.abs(prices.step) / PRICE_STEP), of_days)
    late = np.flatnonzero(seen.begins >= MINIMUM_DAYS)
    judgements.kind[late, seen.begins[late]] = NEW
    begun = np.arange(seen.days) >= seen.begins[:, None]

    def of_rows(values: npt.NDArray[_Item]) -> npt.NDArray[_Item]:
        return values[begun]

    price, is_judged = of_rows(prices.expected), of_rows(judged)
    value, expected, scores, signs = (
        of_rows(seen.cost),
        of_rows(judgements.expected) * price,
        of_rows(score),
        of_rows(sign),
    )
    note = np.where(np.isnan(value), _UNKNOWN, np.where(value < 0, _CORRECTION, _TOO_SHORT))
    signs = np.where(signs == 0, np.sign(value - expected), signs)
    # Positions in `DIRECTIONS`.
    direction = (signs < 0).astype(np.int64)
    asked = np.array([name in directions for name in DIRECTIONS])[direction]
    row, column = np.nonzero(begun)
    return pl.DataFrame(
        {
            "series": seen.names.gather(row),
            "date": np.datetime64(seen.first) + column.astype("timedelta64[D]"),
            "value": value,
            "expected": expected,
            "lower": of_rows(judgements.lower) * price,
            "upper": of_rows(judgements.upper) * price,
            "score": scores,
            "direction": _texts(DIRECTIONS, np.where(is_judged, direction, -1)),
            "kind": _texts(KINDS, of_rows(judgements.kind).astype(np.int64)),
            "is_anomaly": is_judged & (scores >= 1.0) & asked,
            "note": _texts(NOTES, np.where(is_judged, -1, note)),
        },
        nan_to_null=True,
    ).cast(ANOMALY_SCHEMA)


def _texts(texts: Sequence[str], numbers: Integers) -> pl.Series:
    """The texts with these numbers; null for −1."""
    return pl.Series([*texts, None], dtype=pl.String).gather(np.where(numbers < 0, len(texts), numbers))
