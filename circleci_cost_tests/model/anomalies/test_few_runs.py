"""Series of few runs: how sure a day without any of them is, and how sure the first weeks are."""

import numpy as np
import numpy.typing as npt
import polars as pl
import pytest
from scipy.special import ndtri

from circleci_cost.model.anomalies.detection import detect
from circleci_cost.model.anomalies.residuals import day_residual, inverse_day_residual
from circleci_cost_tests.model.anomalies.builders import (
    FIRST,
    PRICE,
    alarms,
    day,
    days_from,
    drawn,
    once,
    row_of,
)

Floats = npt.NDArray[np.float64]
AT = 92
ONE_IN_A_THOUSAND = 3.1


def of_counts(counts: npt.ArrayLike, name: str = "a", seed: int = 1) -> pl.DataFrame:
    """A series with these numbers of runs, each of about the same cost."""
    runs = np.asarray(counts)
    of_run = 50.0 * np.exp(0.1 * np.random.default_rng(seed).standard_normal(runs.sum()))
    of_day = np.repeat(np.arange(len(runs)), runs)
    credits = np.bincount(of_day, of_run, len(runs))
    return pl.DataFrame(
        {
            "series": name,
            "date": days_from(FIRST, len(runs)),
            "cost": credits * PRICE,
            "credits": credits,
            "runs": runs.astype(np.float64),
            "cost_squared": np.bincount(of_day, of_run**2, len(runs)) * PRICE**2,
        }
    )


@pytest.mark.parametrize("runs", [8.0, 16.0, 50.0])
def test_no_run_at_all_is_as_sure_as_random_numbers_rarely_give_it(runs: float) -> None:
    expected = np.array([runs])
    of_none = day_residual(np.zeros(1), expected, expected, np.ones(1))[0]
    assert of_none == pytest.approx(ndtri(np.exp(-runs)), abs=0.2)


@pytest.mark.parametrize("dispersion", [2.0, 6.0])
def test_no_run_at_all_is_less_sure_where_numbers_vary_more_than_at_random(dispersion: float) -> None:
    runs = 40.0
    of_none = day_residual(np.zeros(1), np.array([runs]), np.array([dispersion * runs]), np.ones(1))[0]
    # Of a negative binomial distribution.
    none = dispersion ** (-runs / (dispersion - 1.0))
    assert of_none == pytest.approx(ndtri(none), abs=0.2)


def test_the_bound_below_is_the_value_that_alarms() -> None:
    expected = np.geomspace(0.5, 5000, 40)
    for dispersion in (0.05, 0.3, 1.0, 5.0):
        variance = dispersion * expected + (0.15 * expected) ** 2
        for residual in (-0.5, -2.0, -4.0, -6.0):
            bound = inverse_day_residual(np.full(40, residual), expected, variance, np.ones(40))
            of_bound = day_residual(bound, expected, variance, np.ones(40))
            assert of_bound[bound > 0] == pytest.approx(residual, rel=1e-6)
            assert (of_bound[bound == 0] >= residual - 1e-6).all()


def test_fewer_runs_are_never_less_surprising() -> None:
    shares = np.linspace(0.0, 1.5, 301)
    for runs in (0.5, 2.0, 10.0, 1000.0):
        for dispersion in (0.05, 0.5, 1.0, 20.0):
            of_day = day_residual(shares * runs, np.full(301, runs), np.full(301, runs * dispersion), np.ones(301))
            assert (np.diff(of_day) >= -1e-12).all()


def test_days_without_any_of_a_few_random_runs_are_chance() -> None:
    draw = np.random.default_rng(2)
    frames = [of_counts(draw.poisson(runs, 395), f"{runs} {seed}", seed) for runs in (2, 3, 4, 6) for seed in range(6)]
    down = detect(pl.concat(frames)).filter("is_anomaly", direction="down", value=0.0)
    # Of 24 series-years; some hundred days are without a run.
    assert down.height <= 2


def test_days_without_any_run_of_a_job_that_runs_two_to_four_times_are_chance() -> None:
    draw = np.random.default_rng(3)
    counts = [draw.binomial(4, 0.7, 120) for _ in range(8)]
    for of_series in counts:
        of_series[AT] = 0
    frames = [of_counts(of_series, str(number), number) for number, of_series in enumerate(counts)]
    assert detect(pl.concat(frames)).filter("is_anomaly", date=day(AT)).height == 0


def test_what_ran_once_on_a_few_weekends_is_no_schedule_that_is_missed() -> None:
    draw = np.random.default_rng(4)
    counts = np.where(np.arange(40) % 7 >= 5, 1, draw.binomial(6, 0.7, 40))
    sunday = 34
    counts[sunday] = 0
    assert alarms(of_counts(counts), since=sunday) == []


def test_two_weekend_days_without_one_of_few_runs_are_chance_by_cost_alone() -> None:
    draw = np.random.default_rng(5)
    costs = np.where(np.arange(120) % 7 >= 5, draw.gamma(2.0, 0.25, 120), draw.gamma(16.0, 0.14, 120))
    costs[[96, 97]] = 0.0
    daily = pl.DataFrame({"series": "a", "date": days_from(FIRST, 120), "cost": costs})
    assert alarms(daily, since=96) == []


def test_a_job_of_few_runs_that_ends_is_found_within_two_weeks() -> None:
    draw = np.random.default_rng(6)
    for runs in (2, 4, 8):
        counts = draw.poisson(runs, 130)
        counts[AT:] = 0
        assert alarms(of_counts(counts), since=AT)[0][0] <= AT + 14


def test_bounds_are_wider_in_the_first_weeks() -> None:
    daily = drawn(300, 1, times_runs=once(300, [], 1.0))
    judged = detect(daily)
    widths = [row["upper"] / row["expected"] for row in (row_of(judged, number) for number in (15, 36, 281))]
    assert widths[0] > 1.15 * widths[1] > 1.15 * widths[2]
