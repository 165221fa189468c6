"""Simulated CI and infrastructure costs of a company for the benchmark of correlations; the truth is known.

Every set is hard on purpose: both sides share weekends, holidays, closures and growth, without which most of them
would have nothing in common. Measuring what is detected in them is `correlation`'s job.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.calendar.special_days import special_days

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

FIRST, DAYS = date(2025, 11, 1), 395
COUNTRIES = ("DE", "US", "FR", "GB", "PL", "ES")
LAGS = range(-2, 4)
STRENGTH = (0.4, 0.8)
FAINT = (0.25, 0.8)
STEP = (0.25, 1.0)
# Days before and after the shown ones for which the simulated causes are drawn, too.
_MARGIN = 10
_CI_SIZE = 0.25


@dataclass(frozen=True)
class Company:
    """The data of a seed: daily costs (`series`, `date`, `cost`), the calendar, and what is truly coupled.

    `coupled` is (CI series, infrastructure series) → (lag in days, strength): the strength is the correlation of the
    day-to-day changes that neither the rhythm, nor the calendar, nor the past explains, so that its square is
    the share of the service's that CI explains.
    """

    calendar: Calendar
    ci: pl.DataFrame
    infrastructure: pl.DataFrame
    coupled: dict[tuple[str, str], tuple[int, float]]
    event: date
    shifted: dict[str, "Shift"]


class Shift(NamedTuple):
    """A step in standard deviations of the service's own noise, and how many other shifts the service has."""

    size: float
    others: int


class _Axis(NamedTuple):
    """The days shown and some around them: weekdays 0 (Monday) to 6, and which are days off."""

    days: list[date]
    weekday: Integers
    off: Flags

    @property
    def size(self) -> int:
        return len(self.days)


def simulated_company(
    seed: int,
    *,
    ci_series: int = 3,
    services: int = 40,
    coupled: int = 6,
    shifted: int = 0,
    strengths: tuple[float, float] = STRENGTH,
) -> Company:
    """A company with CI series and infrastructure services; `coupled` of these follow or lead one of the CI series.

    `strengths` are the least and the largest strength of a coupling. `shifted` services, none of the coupled ones,
    change their level at the company's event.
    """
    draw = np.random.default_rng(seed)
    country = COUNTRIES[int(draw.integers(len(COUNTRIES)))]
    days = [FIRST + timedelta(days=offset) for offset in range(-_MARGIN, DAYS + _MARGIN)]
    working = [day for day in days if day.weekday() < 5]
    closures = tuple(sorted(working[int(at)] for at in draw.choice(len(working), 4, replace=False)))
    calendar = Calendar(country=country, closures=closures)
    special = set(special_days(days[0], days[-1], calendar)["date"].to_list())
    axis = _Axis(days, np.array([day.weekday() for day in days]), np.array([day in special for day in days]))
    event_at = int(draw.integers(60, DAYS - 30))

    ci = [_ci(draw, axis) for _ in range(ci_series)]
    truth: dict[tuple[str, str], tuple[int, float]] = {}
    steps: dict[str, Shift] = {}
    infrastructure = {}
    for number in range(services):
        name = f"service-{number:02}"
        if number < coupled:
            cause, lag = int(draw.integers(ci_series)), int(draw.choice(LAGS))
            strength = float(draw.uniform(*strengths))
            truth[f"ci-{cause}", name] = (lag, strength)
            couple = _coupled_in_dollars if draw.random() < 0.33 else _coupled_in_proportion
            infrastructure[name] = couple(draw, axis, ci[cause], lag, strength)
            continue
        # A shift of its own within two weeks of the event would be a true one.
        others = [day for day in _shift_days(draw, axis) if abs(day - event_at - _MARGIN) > 14]
        level = _level(draw, axis, others)
        noise = draw.uniform(0.04, 0.25) * _noise(draw, axis.size)
        if number < coupled + shifted:
            step = float(np.log1p(draw.uniform(*STEP)))
            steps[name] = Shift(step / float(noise.std()), len(others))
            level = level + draw.choice([-1, 1]) * step * (np.arange(axis.size) >= _MARGIN + event_at)
        infrastructure[name] = np.exp(level + _rhythm(draw, axis) + noise)
    return Company(
        calendar,
        _frame(draw, {f"ci-{number}": series.cost for number, series in enumerate(ci)}),
        _frame(draw, infrastructure),
        truth,
        FIRST + timedelta(days=event_at),
        steps,
    )


class _Ci(NamedTuple):
    """Cost, and activity relative to the usual, on the log scale."""

    cost: Floats
    activity: Floats


def _ci(draw: np.random.Generator, axis: _Axis) -> _Ci:
    activity = _CI_SIZE * _noise(draw, axis.size, most=0.7)
    level = _level(draw, axis, _shift_days(draw, axis), fees=False)
    return _Ci(np.exp(level + _office(draw, axis, busy=True) + activity), activity)


def _coupled_in_proportion(draw: np.random.Generator, axis: _Axis, ci: _Ci, lag: int, strength: float) -> Floats:
    """A service with its own rhythm whose cost is a few percent higher when CI is busier than usual."""
    common = strength * np.roll(ci.activity, lag) / _CI_SIZE
    noise = np.sqrt(1 - strength**2) * _noise(draw, axis.size)
    level = _level(draw, axis, _shift_days(draw, axis))
    return np.asarray(np.exp(level + _rhythm(draw, axis) + draw.uniform(0.04, 0.25) * (common + noise)))


def _coupled_in_dollars(draw: np.random.Generator, axis: _Axis, ci: _Ci, lag: int, strength: float) -> Floats:
    """A service that costs a fixed amount plus a multiple of CI's cost, and so has CI's rhythm."""
    size = 0.7 * _CI_SIZE * np.sqrt(1 / strength**2 - 1)
    cost = 0.3 + 0.7 * np.roll(ci.cost, lag) / np.median(ci.cost[axis.weekday < 5])
    return np.asarray(np.exp(draw.normal(4.0, 1.5)) * cost * np.exp(size * _noise(draw, axis.size)))


def _changes(draw: np.random.Generator, days: int) -> Floats:
    """Heavy-tailed independent changes of variance 1."""
    return np.asarray(draw.standard_t(4, days) / np.sqrt(2.0))


def _noise(draw: np.random.Generator, days: int, most: float = 0.9) -> Floats:
    """Autocorrelated noise, of independent changes of variance 1."""
    phi = draw.uniform(0.0, most)
    changes = _changes(draw, days)
    noise = np.empty(days)
    past = 0.0
    for day, change in enumerate(changes):
        past = phi * past + change
        noise[day] = past
    return noise


def _shift_days(draw: np.random.Generator, axis: _Axis) -> list[int]:
    return [int(day) for day in draw.integers(axis.size, size=int(draw.integers(0, 4)))]


def _level(draw: np.random.Generator, axis: _Axis, shift_days: list[int], *, fees: bool = True) -> Floats:
    """Size, growth, a slow wave, shifts and spikes, on the log scale; `fees` on the first of months."""
    at = np.arange(axis.size)
    level = np.full(axis.size, draw.normal(4.0, 1.5)) + draw.uniform(-0.3, 0.8) * at / 365
    level += draw.uniform(0, 0.25) * np.sin(2 * np.pi * (at / draw.uniform(90, 365) + draw.random()))
    for day in shift_days:
        level += draw.choice([-1, 1]) * draw.uniform(0.15, 0.7) * (at >= day)
    if fees and draw.random() < 0.2:
        level += draw.uniform(0.2, 1.5) * np.array([day.day == 1 for day in axis.days])
    spikes = draw.random(axis.size) < draw.uniform(0.0, 0.015)
    return np.asarray(level + spikes * draw.uniform(0.5, 1.8, axis.size))


def _rhythm(draw: np.random.Generator, axis: _Axis) -> Floats:
    """Two thirds of the services share the office's calendar, the rest run day and night."""
    return _office(draw, axis, busy=False) if draw.random() < 0.67 else np.zeros(axis.size)


def _office(draw: np.random.Generator, axis: _Axis, *, busy: bool) -> Floats:
    """Low weekends, which drift or change at once, and lows on days off that differ from day to day."""
    profile = draw.normal(0.0, 0.08, 7)
    profile[5:] -= draw.uniform(1.2, 2.5) if busy else draw.uniform(0.1, 1.0)
    at = np.arange(axis.size)
    change = (at >= draw.integers(axis.size)) if draw.random() < 0.3 else at / axis.size
    low = draw.uniform(0.7, 2.0) if busy else draw.uniform(0.2, 1.0)
    depth = low * draw.uniform(0.7, 1.2, axis.size) * (axis.off & (axis.weekday < 5))
    return np.asarray(profile[axis.weekday] * (1 + draw.uniform(-0.4, 0.4) * change) - depth)


def _frame(draw: np.random.Generator, costs: dict[str, Floats]) -> pl.DataFrame:
    """Rows of the days that are shown: one in a hundred is missing."""
    shown = {name: cost[_MARGIN : _MARGIN + DAYS] for name, cost in costs.items()}
    dates = [FIRST + timedelta(days=offset) for offset in range(DAYS)]
    rows = pl.concat(
        pl.DataFrame({"series": [name] * DAYS, "date": dates, "cost": cost}) for name, cost in shown.items()
    )
    return rows.filter(pl.Series(draw.random(rows.height) >= 0.01))
