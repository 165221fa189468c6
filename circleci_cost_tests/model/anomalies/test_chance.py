"""How often chance raises an alarm: on series in which nothing has happened, over more than 200 series-years."""

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.anomalies.definition import Anomalies
from circleci_cost.model.anomalies.detection import detect
from circleci_cost_tests.model.anomalies.builders import FIRST, days_from, drawn

SERIES, DAYS = 220, 395


@pytest.fixture(scope="module")
def noise() -> pl.DataFrame:
    """Series of 2 to 200 runs on a working day, as steady or as unsteady as teams are."""
    draw = np.random.default_rng(11)
    runs = np.exp(draw.uniform(np.log(2), np.log(200), SERIES))
    dispersions = np.exp(draw.uniform(np.log(20), np.log(400), SERIES))
    return pl.concat(
        drawn(DAYS, 1_000 + number, f"s{number:03}", runs=float(runs[number]), dispersion=float(dispersions[number]))
        for number in range(SERIES)
    )


def per_series_year(daily: pl.DataFrame, accepted: float = 0.3) -> float:
    """Days in alarm for each year of a series that was judged."""
    judged = detect(daily, Anomalies(false_alarms_per_series_year=accepted))
    years = judged.get_column("expected").count() / 365.25
    assert years > 200
    return float(judged.get_column("is_anomaly").sum()) / years


def test_chance_raises_at_most_half_an_alarm_per_series_and_year(noise: pl.DataFrame) -> None:
    assert per_series_year(noise) <= 0.5


@pytest.mark.parametrize("left", [["cost_squared"], ["runs", "cost_squared"]])
def test_chance_raises_as_few_alarms_with_less_known_of_the_runs(noise: pl.DataFrame, left: list[str]) -> None:
    assert per_series_year(noise.select("series", "date", "cost", *left)) <= 0.5


def test_more_accepted_false_alarms_give_more_alarms(noise: pl.DataFrame) -> None:
    few, usual, many = (per_series_year(noise, accepted) for accepted in (0.05, 0.3, 2.0))
    assert few < usual < many
    assert few <= 0.1
    assert many > 1


def test_bounds_are_wider_where_fewer_false_alarms_are_accepted(noise: pl.DataFrame) -> None:
    some = noise.filter(pl.col("series") < "s010")
    narrow, wide = (detect(some, Anomalies(false_alarms_per_series_year=rate)) for rate in (2.0, 0.05))
    assert (wide.get_column("upper") > narrow.get_column("upper")).drop_nulls().all()
    assert wide.get_column("expected").drop_nulls().len() == narrow.get_column("expected").drop_nulls().len()


def test_normal_noise_and_fat_tails_raise_little_by_cost_alone() -> None:
    draw = np.random.default_rng(4)
    weeks = np.tile([10, 11, 12, 11, 9, 2, 2], 57)[:DAYS]
    shape = (SERIES, DAYS)
    for factor in (1 + 0.15 * draw.standard_normal(shape), draw.lognormal(0, 0.25, shape)):
        costs = np.maximum(weeks * factor, 0.0)
        daily = pl.DataFrame(
            {
                "series": np.repeat([f"s{number:03}" for number in range(SERIES)], DAYS),
                "date": np.tile(days_from(FIRST, DAYS).to_numpy(), SERIES),
                "cost": costs.ravel(),
            }
        )
        assert per_series_year(daily) <= 0.5
