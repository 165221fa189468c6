"""Detection of anomalies in daily costs: each day is judged by what its series, and it alone, has shown before.

The public function. How days are laid out is `panel`'s, what is expected `state`'s, what is too far
`thresholds`', what an anomaly is called `kinds`'. Grouping alarms into incidents is `model.incidents`'.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from circleci_cost.model.anomalies.day import Day
from circleci_cost.model.anomalies.definition import DEFAULTS, DIRECTIONS, Anomalies
from circleci_cost.model.anomalies.kinds import KINDS, NEW, PRICE_CHANGE, Namer
from circleci_cost.model.anomalies.panel import Observations, observations_of
from circleci_cost.model.anomalies.prices import PRICE_STEP, price_course
from circleci_cost.model.anomalies.residuals import inverse_root_residual
from circleci_cost.model.anomalies.state import MINIMUM_DAYS, State
from circleci_cost.model.anomalies.thresholds import Sums, band, judge, scale_of
from circleci_cost.model.calendar.definition import DEFAULT_CALENDAR, Calendar
from circleci_cost.model.forecast.panel import CalendarDays, Flags, Floats, Integers, calendar_days

__all__ = ["ANOMALY_SCHEMA", "KINDS", "detect"]

NOTES = ("too short a history", "the day is not completely known")
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


def detect(daily: pl.DataFrame, settings: Anomalies = DEFAULTS, calendar: Calendar = DEFAULT_CALENDAR) -> pl.DataFrame:
    """Judge each day of each series by the days before it.

    In: as `panel.observations_of` tells: `series`, `date`, `cost`, and optionally `runs`, `credits`,
    `cost_squared` (sum over runs of their squared cost), `complete`; with them changes of cost per run and of prices
    are found at once, and series of few runs are not taken for noisy ones. Other columns are left alone.

    Out: `ANOMALY_SCHEMA`, one row per series and day from the series' first day on, by series and date, in the unit
    of `cost`. `value` is null where the day is not known, `expected` and what follows where it could not be judged
    (`note` says why). Outside of `lower` and `upper` a day is an anomaly by itself; lasting changes are found inside
    of them too. `score` is 1 at the threshold, `direction` "up" or "down" of what was expected. `kind`, of anomalies
    alone, is one of `KINDS`; the first day of a series that begins after the others is "new", and no anomaly.
    """
    tables = [
        _table(seen, _judged(seen, calendar_days(seen.first, seen.days, calendar), settings), settings)
        for seen in observations_of(daily, settings.ignored_periods)
    ]
    return pl.concat([pl.DataFrame(schema=ANOMALY_SCHEMA), *tables])


class _Found:
    """The judgements of all days [series × days], in the unit of usage; NaN where a day could not be judged."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.expected, self.lower, self.upper, self.score = (np.full(shape, np.nan) for _ in range(4))
        self.kind = np.full(shape, -1, dtype=np.int8)

    def keep(self, number: int, ready: Flags, values: dict[str, Floats]) -> None:
        """Keep a day's numbers of the series that were judged."""
        for name, value in values.items():
            getattr(self, name)[:, number] = np.where(ready, value, np.nan)


def _judged(seen: Observations, calendar: CalendarDays, settings: Anomalies) -> _Found:
    series = len(seen.names)
    state, sums, namer = State(series), Sums(series), Namer(series)
    scale = scale_of(settings.false_alarms_per_series_year)
    found = _Found((series, seen.days))
    for number, day in _days(seen, calendar):
        state.wake(day)
        residuals = state.residuals(day)
        judgement = judge(state, sums, day, residuals, scale)
        ready = state.ready(day)
        down, up = band(residuals, scale)
        found.keep(
            number,
            ready,
            {
                "expected": residuals.expected,
                "lower": inverse_root_residual(down, residuals.expected, residuals.variance),
                "upper": inverse_root_residual(up, residuals.expected, residuals.variance),
                "score": judgement.score,
            },
        )
        found.kind[:, number] = namer.kinds(state, day, residuals, judgement)
        state.remember_week(day, residuals)
        if not day.special:
            state.learn(day, residuals)
            settled = namer.settled(judgement)
            state.rebase(settled)
            sums.reset(settled)
            state.forget_drift(judgement.of_drift)
    return found


def _days(seen: Observations, calendar: CalendarDays) -> Iterator[tuple[int, Day]]:
    for number in range(seen.days):
        usage = seen.usage[:, number]
        known = ~np.isnan(usage)
        yield (
            number,
            Day(
                weekday=int(calendar.weekday[number]),
                special=bool(calendar.kind[number] >= 0),
                known=known,
                usage=np.where(known, usage, 0.0),
                runs=None if seen.runs is None else np.where(known, seen.runs[:, number], 0.0),
                squares=None if seen.squares is None else np.where(known, seen.squares[:, number], 0.0),
            ),
        )


def _table(seen: Observations, found: _Found, settings: Anomalies) -> pl.DataFrame:
    """Bring the judgements into rows, in the unit of cost."""
    prices = price_course(seen.price)
    judged = ~np.isnan(found.score)
    changed = judged & prices.changed & (found.expected > 0)
    found.kind[changed] = PRICE_CHANGE
    sign = np.where(changed, np.sign(prices.step), np.sign(found.score))
    score = np.where(changed, np.maximum(1.0, np.abs(prices.step) / PRICE_STEP), np.abs(found.score))
    late = np.flatnonzero(seen.begins >= MINIMUM_DAYS)
    found.kind[late, seen.begins[late]] = NEW
    row, column = np.nonzero(np.arange(seen.days) >= seen.begins[:, None])
    at = (row, column)
    price = prices.expected[at]
    value, expected = seen.cost[at], found.expected[at] * price
    sign = np.where(sign[at] == 0, np.sign(value - expected), sign[at])
    # The place of "up" and of "down" in `DIRECTIONS`.
    direction = (sign < 0).astype(np.int64)
    asked = np.array([each in settings.directions for each in DIRECTIONS])[direction]
    return pl.DataFrame(
        {
            "series": seen.names.gather(row),
            "date": np.datetime64(seen.first) + column.astype("timedelta64[D]"),
            "value": value,
            "expected": expected,
            "lower": found.lower[at] * price,
            "upper": found.upper[at] * price,
            "score": score[at],
            "direction": _texts(DIRECTIONS, np.where(judged[at], direction, -1)),
            "kind": _texts(KINDS, found.kind[at].astype(np.int64)),
            "is_anomaly": judged[at] & (score[at] >= 1.0) & asked,
            "note": _texts(NOTES, np.where(judged[at], -1, np.where(np.isnan(value), 1, 0))),
        },
        nan_to_null=True,
    ).cast(ANOMALY_SCHEMA)


def _texts(texts: Sequence[str], numbers: Integers) -> pl.Series:
    """The texts with these numbers; null for −1."""
    return pl.Series([*texts, None], dtype=pl.String).gather(np.where(numbers < 0, len(texts), numbers))
