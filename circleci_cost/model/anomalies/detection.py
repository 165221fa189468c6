"""Detection of anomalies in daily costs: each day is judged by the history of its own series alone.

The public function and its table. `panel` lays out the days, `state` keeps the expectations, `thresholds` decides
what is an anomaly, `kinds` names it. Grouping alarms into incidents is the job of `model.incidents`.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from circleci_cost.model.anomalies.day import Day, Residuals
from circleci_cost.model.anomalies.definition import DEFAULTS, DIRECTIONS, Anomalies
from circleci_cost.model.anomalies.exceptions import Exceptions
from circleci_cost.model.anomalies.kinds import KINDS, NEW, PRICE_CHANGE, Namer
from circleci_cost.model.anomalies.panel import Observations, observations_of
from circleci_cost.model.anomalies.prices import PRICE_STEP, price_course
from circleci_cost.model.anomalies.residuals import inverse_day_residual, inverse_root_residual
from circleci_cost.model.anomalies.state import MINIMUM_DAYS, State
from circleci_cost.model.anomalies.thresholds import Judgement, Sums, band, judge, scale_of
from circleci_cost.model.calendar.definition import DEFAULT_CALENDAR, Calendar
from circleci_cost.model.calendar.recurrences import Recurrences, recurrences
from circleci_cost.model.forecast.panel import CalendarDays, Flags, Floats, Integers, calendar_days

__all__ = ["ANOMALY_SCHEMA", "KINDS", "detect"]

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


def detect(daily: pl.DataFrame, settings: Anomalies = DEFAULTS, calendar: Calendar = DEFAULT_CALENDAR) -> pl.DataFrame:
    """Judge each day of each series by the days before it.

    In: the columns of `panel.observations_of`: `series`, `date`, `cost`, and optionally `runs`, `credits`,
    `cost_squared` (sum over runs of their squared cost), `complete`. With them, changes of cost per run and of
    prices are detected at once, and series of few runs are not taken for noisy ones. Other columns are ignored.

    Out: `ANOMALY_SCHEMA`, one row per series and day from the series' first day on, by series and date, in the unit
    of `cost`. `value` is null where the day is not known; `expected` and the columns after it are null where the
    day could not be judged (`note` says why); a negative day, a correction of others, is neither judged nor learned
    from. A day outside of `lower` and `upper` is an anomaly by itself; lasting changes are detected inside of them too.
    `score` is 1 at the threshold and at most `MOST_SCORE`, of a price change its size in `PRICE_STEP`; `direction` is
    "up" or "down". `kind` is one of `KINDS`, for anomalies only; the first day of a series that begins after the others
    is "new", and no anomaly.
    """
    known = _Calendars(calendar)
    tables = [
        _table(seen, _judged(seen, *known.of(seen), settings), settings)
        for seen in observations_of(daily, settings.ignored_periods)
    ]
    return pl.concat([pl.DataFrame(schema=ANOMALY_SCHEMA), *tables])


class _Calendars:
    """The calendar of the last panel asked for: all series of one detection have the same days."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._days: tuple[date, int] | None = None

    def of(self, seen: Observations) -> tuple[CalendarDays, Recurrences]:
        """Return the days of a panel and their recurrences."""
        days = seen.first, seen.days
        if self._days != days:
            self._days = days
            self._known = calendar_days(*days, self._calendar), recurrences(*days, self._calendar)
        return self._known


class _Judgements:
    """The judgements of all days [series × days], in the unit of usage; NaN where a day could not be judged."""

    def __init__(self, shape: tuple[int, int]) -> None:
        # A day lies in one piece, since the days are written one after the other.
        self.expected, self.lower, self.upper, self.score = (np.full(shape, np.nan, order="F") for _ in range(4))
        self.kind = np.full(shape, -1, dtype=np.int8, order="F")

    def keep(self, number: int, ready: Flags, values: dict[str, Floats]) -> None:
        """Keep a day's numbers of the series that were judged."""
        for name, value in values.items():
            getattr(self, name)[:, number] = np.where(ready, value, np.nan)


def _judged(seen: Observations, calendar: CalendarDays, recurring: Recurrences, settings: Anomalies) -> _Judgements:
    judgements = _Judgements((len(seen.names), seen.days))
    for number, ready, values, kinds in judged_days(seen, calendar, recurring, settings):
        judgements.keep(number, ready, values)
        judgements.kind[:, number] = kinds
    return judgements


def judged_days(
    seen: Observations, calendar: CalendarDays, recurring: Recurrences, settings: Anomalies
) -> Iterator[tuple[int, Flags, dict[str, Floats], Integers]]:
    """Judge, name and learn from one day after the other.

    Out: the day's number, the series that can be judged on it, their numbers by name in the unit of usage, and their
    kinds.
    """
    series = len(seen.names)
    state, sums, namer = State(series), Sums(series), Namer(series)
    exceptions = Exceptions(calendar.kind, recurring, series)
    scale = scale_of(settings.false_alarms_per_series_year)
    for number, day in _days_of(seen, calendar):
        state.wake(day)
        residuals, usual = exceptions.compare(number, day, state, state.residuals(day))
        judgement = judge(state, sums, day, residuals, scale, expected=usual.expected)
        ready = state.ready(day)
        down, up = band(scale)
        values = {
            "expected": usual.expected,
            "lower": inverse_day_residual(down, usual.low, state.variance(usual.low, residuals), residuals.of_run),
            "upper": inverse_root_residual(up, usual.high, state.variance(usual.high, residuals)),
            "score": judgement.score,
        }
        kinds = namer.kinds(state, day, residuals, judgement)
        _learn(state, sums, namer, day=day, residuals=residuals, judgement=judgement)
        yield number, ready, values, kinds


def _learn(state: State, sums: Sums, namer: Namer, *, day: Day, residuals: Residuals, judgement: Judgement) -> None:
    """Let what is known go on from a day that was judged and named."""
    state.remember_week(day, residuals)
    state.learn(day, residuals)
    settled = namer.settled(judgement, residuals.irregular)
    state.rebase(settled)
    sums.reset(settled)
    state.forget_drift(judgement.of_drift)


def _days_of(seen: Observations, calendar: CalendarDays) -> Iterator[tuple[int, Day]]:
    """Yield each day with its number; unknown usage counts as 0."""
    for number in range(seen.days):
        usage = seen.usage[:, number]
        known = ~np.isnan(usage)
        yield (
            number,
            Day(
                weekday=int(calendar.weekday[number]),
                known=known,
                usage=np.where(known, usage, 0.0),
                runs=None if seen.runs is None else np.where(known, seen.runs[:, number], 0.0),
                squares=None if seen.squares is None else np.where(known, seen.squares[:, number], 0.0),
            ),
        )


def _table(seen: Observations, judgements: _Judgements, settings: Anomalies) -> pl.DataFrame:
    """Bring the judgements into rows, in the unit of cost."""
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

    def rows(values: npt.NDArray[_Item]) -> npt.NDArray[_Item]:
        return values[begun]

    price, is_judged = rows(prices.expected), rows(judged)
    value, expected, scores, signs = rows(seen.cost), rows(judgements.expected) * price, rows(score), rows(sign)
    note = np.where(np.isnan(value), _UNKNOWN, np.where(value < 0, _CORRECTION, _TOO_SHORT))
    signs = np.where(signs == 0, np.sign(value - expected), signs)
    # Positions in `DIRECTIONS`.
    direction = (signs < 0).astype(np.int64)
    asked = np.array([direction_name in settings.directions for direction_name in DIRECTIONS])[direction]
    row, column = np.nonzero(begun)
    return pl.DataFrame(
        {
            "series": seen.names.gather(row),
            "date": np.datetime64(seen.first) + column.astype("timedelta64[D]"),
            "value": value,
            "expected": expected,
            "lower": rows(judgements.lower) * price,
            "upper": rows(judgements.upper) * price,
            "score": scores,
            "direction": _texts(DIRECTIONS, np.where(is_judged, direction, -1)),
            "kind": _texts(KINDS, rows(judgements.kind).astype(np.int64)),
            "is_anomaly": is_judged & (scores >= 1.0) & asked,
            "note": _texts(NOTES, np.where(is_judged, -1, note)),
        },
        nan_to_null=True,
    ).cast(ANOMALY_SCHEMA)


def _texts(texts: Sequence[str], numbers: Integers) -> pl.Series:
    """The texts with these numbers; null for −1."""
    return pl.Series([*texts, None], dtype=pl.String).gather(np.where(numbers < 0, len(texts), numbers))
