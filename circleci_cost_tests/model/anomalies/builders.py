"""Daily usage drawn from statistics: negative binomial runs around a weekday profile, each of log-normal cost."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from circleci_cost.model.anomalies.definition import DEFAULTS, Anomalies
from circleci_cost.model.anomalies.detection import ANOMALY_SCHEMA, detect

Floats = npt.NDArray[np.float64]

FIRST = date(2026, 2, 2)  # a Monday; without a country, no special day until 24 December
PRICE = 0.0006
_CREDITS_OF_RUN, _SPREAD_OF_RUN = 50.0, 0.35
_WEEK = np.array([1.0, 1.1, 1.15, 1.1, 0.9, 0.15, 0.15])


def drawn(
    days: int,
    seed: int,
    name: str = "a",
    *,
    runs: float = 80.0,
    times_runs: npt.ArrayLike = 1.0,
    times_run: npt.ArrayLike = 1.0,
    price: npt.ArrayLike = PRICE,
    week: npt.ArrayLike = _WEEK,
    dispersion: float = 400.0,
    first: date = FIRST,
) -> pl.DataFrame:
    """A series with all columns that the detector reads, a row for each day.

    `times_runs`, `times_run` and `price` are factors on the runs and on what one costs, and the price of a credit: one
    number, or one for each day.
    """
    draw = np.random.default_rng(seed)
    weekday = (np.arange(days) + first.weekday()) % 7
    mean = runs * np.asarray(week)[weekday] * np.asarray(times_runs)
    counts = draw.poisson(mean * draw.gamma(dispersion, 1 / dispersion, days))
    day = np.repeat(np.arange(days), counts)
    single = _CREDITS_OF_RUN * np.exp(_SPREAD_OF_RUN * draw.standard_normal(len(day)))
    single = np.round(single * np.broadcast_to(np.asarray(times_run), (days,))[day])
    prices = np.broadcast_to(np.asarray(price), (days,))
    credits = np.bincount(day, single, days).astype(np.float64)
    return pl.DataFrame(
        {
            "series": [name] * days,
            "date": days_from(first, days),
            "cost": credits * prices,
            "credits": credits,
            "runs": counts.astype(np.float64),
            "cost_squared": np.bincount(day, single**2, days).astype(np.float64) * prices**2,
        }
    )


def times(daily: pl.DataFrame, on: Iterable[date], factor: float) -> pl.DataFrame:
    """The same draw with so many times the runs on some days."""
    numbers = pl.col("cost", "credits", "runs", "cost_squared")
    return daily.with_columns(pl.when(pl.col("date").is_in(list(on))).then(numbers * factor).otherwise(numbers))


def days_from(first: date, days: int) -> pl.Series:
    """Consecutive days."""
    return pl.date_range(first, first + timedelta(days=days - 1), eager=True)


def only_costs(values: npt.ArrayLike, name: str = "a", first: date = FIRST) -> pl.DataFrame:
    """A series of which nothing but its costs is known."""
    costs = np.asarray(values, dtype=np.float64)
    return pl.DataFrame({"series": [name] * len(costs), "date": days_from(first, len(costs)), "cost": costs})


def factors(days: int, changes: Mapping[int, float]) -> Floats:
    """1 up to a day, then the given factor from that day on."""
    values = np.ones(days)
    for day, factor in sorted(changes.items()):
        values[day:] = factor
    return values


def once(days: int, at: Iterable[int], factor: float) -> Floats:
    """1 but for some days."""
    values = np.ones(days)
    values[list(at)] = factor
    return values


def ramp(days: int, begin: int, length: int, factor: float) -> Floats:
    """1, then evenly to a factor within so many days."""
    return 1.0 + (factor - 1.0) * np.clip((np.arange(days) - begin) / length, 0.0, 1.0)


def day(number: int, first: date = FIRST) -> date:
    """A day by its place, from 0."""
    return first + timedelta(days=number)


def place(when: date, first: date = FIRST) -> int:
    """The place of a day."""
    return (when - first).days


def alarms(
    daily: pl.DataFrame, settings: Anomalies = DEFAULTS, series: str = "a", since: int = 0
) -> list[tuple[int, str, str]]:
    """Place, kind and direction of each day in alarm of a series, from a day on."""
    alarm_days = detect(daily, settings).filter(
        "is_anomaly", (pl.col("series") == series) & (pl.col("date") >= day(since))
    )
    return [(place(when), kind, way) for when, kind, way in alarm_days.select("date", "kind", "direction").iter_rows()]


def alarm_days(daily: pl.DataFrame, settings: Anomalies = DEFAULTS, series: str = "a", since: int = 0) -> list[int]:
    """The place of each day in alarm of a series."""
    return [number for number, _, _ in alarms(daily, settings, series, since)]


def row_of(judged: pl.DataFrame, number: int, series: str = "a") -> dict[str, Any]:
    """One day of one series."""
    return judged.row(by_predicate=(pl.col("series") == series) & (pl.col("date") == day(number)), named=True)


def tree(leaves: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Jobs named `organization/project/workflow/job`, and the sums of all that is above them."""
    jobs = pl.concat(leaves)
    levels = [
        jobs.with_columns(pl.col("series").str.split("/").list.head(depth).list.join("/")) for depth in range(1, 4)
    ]
    summed = pl.concat(levels).group_by("series", "date").agg(pl.exclude("series", "date").sum())
    return pl.concat([jobs, summed.select(jobs.columns)])


def hierarchy_of(series: Iterable[str], top: str | None = None) -> pl.DataFrame:
    """The hierarchy of series named as in `tree`; organizations lie below `top`."""
    rows = [(name, name.rpartition("/")[0] or top, name.partition("/")[0]) for name in sorted(set(series))]
    if top is not None:
        rows.append((top, None, top))
    return pl.DataFrame(
        rows, schema=pl.Schema(dict.fromkeys(("series", "parent", "organization"), pl.String())), orient="row"
    )


def judged(
    values: Sequence[float | None],
    expected: Sequence[float | None],
    anomalies: Mapping[int, tuple[str, str, float]],
    name: str = "acme",
) -> pl.DataFrame:
    """A possible result of the detector: values, expectations, and kind, direction and score of the days in alarm."""
    count = len(values)
    kinds, ways, scores = (
        [anomalies[number][part] if number in anomalies else none for number in range(count)]
        for part, none in ((0, None), (1, "up"), (2, 0.5))
    )
    return pl.DataFrame(
        {
            "series": [name] * count,
            "date": days_from(FIRST, count),
            "value": values,
            "expected": expected,
            "lower": [None if value is None else 0.3 * value for value in expected],
            "upper": [None if value is None else 2.5 * value for value in expected],
            "score": scores,
            "direction": ways,
            "kind": kinds,
            "is_anomaly": [number in anomalies for number in range(count)],
            "note": [None] * count,
        },
        schema=ANOMALY_SCHEMA,
    )
