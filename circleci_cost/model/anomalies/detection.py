"""Detection of anomalies in daily costs: each day is judged by the history of its own series alone.

The public function and the loop over the days. `panel` lays them out, `state` keeps the expectations, `thresholds`
decides what is an anomaly, `kinds` names it. Grouping alarms into incidents is the job of `model.incidents`.
"""

from collections.abc import Iterator
from datetime import date
from itertools import chain

import numpy as np
import polars as pl

from circleci_cost.model.anomalies.day import Day, Residuals
from circleci_cost.model.anomalies.definition import DEFAULTS, Anomalies
from circleci_cost.model.anomalies.exceptions import Exceptions
from circleci_cost.model.anomalies.kinds import KINDS, Namer
from circleci_cost.model.anomalies.panel import Observations, observations_of
from circleci_cost.model.anomalies.residuals import inverse_day_residual, inverse_root_residual
from circleci_cost.model.anomalies.rows import ANOMALY_SCHEMA, MOST_SCORE, Judgements, rows_of
from circleci_cost.model.anomalies.state import State
from circleci_cost.model.anomalies.thresholds import Judgement, Sums, band, judge, scale_of
from circleci_cost.model.calendar.definition import DEFAULT_CALENDAR, Calendar
from circleci_cost.model.calendar.recurrences import Recurrences, recurrences
from circleci_cost.model.forecast.panel import CalendarDays, Flags, Floats, Integers, calendar_days

__all__ = ["ANOMALY_SCHEMA", "KINDS", "MOST_SCORE", "detect"]


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
    tables = (
        rows_of(seen, _judged(seen, *known.of(seen), settings), settings.directions)
        for seen in observations_of(daily, settings.ignored_periods)
    )
    return pl.concat([pl.DataFrame(schema=ANOMALY_SCHEMA), *chain.from_iterable(tables)])


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


def _judged(seen: Observations, calendar: CalendarDays, recurring: Recurrences, settings: Anomalies) -> Judgements:
    judgements = Judgements((len(seen.names), seen.days))
    for number, ready, values, kinds in judged_days(seen, calendar, recurring, settings):
        judgements.keep(number, ready, values, kinds)
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
    accepted = scale_of(settings.false_alarms_per_series_year)
    for number, day in _days_of(seen, calendar):
        state.wake(day)
        residuals, usual = exceptions.compare(number, day, state, state.residuals(day))
        scale = accepted * state.doubt(residuals.dispersion)
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
