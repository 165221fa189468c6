"""Series whose own habit is to vary by large factors from day to day alarm beyond that habit alone."""

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest

from circleci_cost.model.anomalies.detection import detect
from circleci_cost_tests.model.anomalies.builders import day, drawn, factors, once

DAYS, AT, SERIES, SETTLED = 240, 199, 6, 60


def in_bursts(runs: float, times: npt.ArrayLike = 1.0) -> pl.DataFrame:
    """Series whose days vary by a gamma factor, from next to nothing to several times the mean; one is as the mean."""
    series = []
    for number in range(SERIES):
        days = np.random.default_rng(number).gamma(1.2, 1 / 1.2, DAYS)
        days[AT] = 1.0
        series.append(drawn(DAYS, number, f"s{number}", runs=runs, times_runs=days * np.asarray(times)))
    return pl.concat(series)


@pytest.mark.parametrize("runs", [100.0, 600.0])
def test_bursts_that_are_the_habit_of_a_series_raise_few_alarms(runs: float) -> None:
    # With a spread of at most 9 there were 22 and 60 days in alarm.
    in_alarm = detect(in_bursts(runs)).filter("is_anomaly", pl.col("date") >= day(SETTLED))
    assert in_alarm.height <= SERIES


def test_what_is_far_beyond_the_habit_alarms() -> None:
    for times, way in ((once(DAYS, [AT], 20.0), "up"), (factors(DAYS, {AT: 0.0}), "down")):
        found = detect(in_bursts(600.0, times)).filter(
            "is_anomaly", pl.col("direction") == way, pl.col("date").is_between(day(AT), day(AT + 7))
        )
        # Chance has just brought one of them a week of bursts, which became its level.
        assert found.get_column("series").n_unique() >= SERIES - 1


def test_the_bounds_of_a_series_with_the_habit_enclose_its_days() -> None:
    settled = detect(in_bursts(600.0)).filter(pl.col("date") >= day(SETTLED))
    outside = settled.filter((pl.col("value") > pl.col("upper")) | (pl.col("value") < pl.col("lower")))
    assert outside.height <= SERIES
