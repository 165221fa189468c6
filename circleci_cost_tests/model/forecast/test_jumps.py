"""A new level is followed within four working days; what passes by itself is not taken for one."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.forecast.forecasting import ForecastSettings, forecast, forecast_total

FIRST = date(2026, 2, 2)  # a Monday, and no day from 24 December to 1 January within ten months
WEEK = np.array([100.0, 120, 125, 118, 90, 10, 12])
WEEKEND = np.array([10.0, 12, 9, 11, 10, 200, 180])
MEAN = ForecastSettings(method="mean")
AHEAD = 28


def days(*parts: np.ndarray, seed: int = 1, scale: float = 0.08) -> np.ndarray:
    """The parts one after another, with lognormal noise."""
    values = np.concatenate(parts)
    return values * np.exp(scale * np.random.default_rng(seed).standard_normal(len(values)))


def weeks(count: int, week: np.ndarray = WEEK) -> np.ndarray:
    return np.tile(week, count)


def frame(values: Sequence[float] | np.ndarray, name: str = "a", first: date = FIRST) -> pl.DataFrame:
    dates = pl.date_range(first, first + timedelta(days=len(values) - 1), eager=True)
    return pl.DataFrame({"series": name, "date": dates, "cost": pl.Series(values, dtype=pl.Float64)})


def month(daily: pl.DataFrame, settings: ForecastSettings = MEAN, series: str = "a") -> float:
    """The forecast of the four weeks after the last day."""
    last = daily["date"].max()
    assert isinstance(last, date)
    totals = forecast_total(daily, last + timedelta(days=AHEAD), settings)
    return float(totals.row(by_predicate=pl.col("series") == series, named=True)["median"])


FOUR_WEEKS = 4 * float(WEEK.sum())


@pytest.mark.parametrize("count", [4, 8, 18])
@pytest.mark.parametrize("begins", [0, 2, 4])
def test_a_new_level_is_followed_after_four_working_days(begins: int, count: int) -> None:
    before, since = weeks(12)[: 77 + begins], np.roll(weeks(4), -begins)
    working = np.flatnonzero((np.arange(28) + begins) % 7 < 5)
    factors = (0.0, 0.3, 0.5, 2.0, 4.0)
    daily = pl.concat(frame(days(before, f * since[: working[count - 1] + 1]), f"{f}") for f in factors)
    totals = forecast_total(daily, FIRST + timedelta(days=77 + begins + int(working[count - 1]) + AHEAD), MEAN)
    # A rise is followed by four fifths at first: it may be a burst.
    for factor, median in zip(factors, totals["median"], strict=True):
        assert median == pytest.approx(factor * FOUR_WEEKS, rel=0.22, abs=0.01 * FOUR_WEEKS), factor


def test_a_fall_is_followed_at_once_to_its_level_and_a_stop_to_nothing() -> None:
    assert month(frame(days(weeks(12), 0 * WEEK[:4]))) == 0
    assert month(frame(days(weeks(12), 0.5 * WEEK[:4]))) == pytest.approx(0.5 * FOUR_WEEKS, rel=0.08)


def test_three_days_are_no_new_level_yet() -> None:
    for factor in (0.0, 3.0):
        assert month(frame(days(weeks(12), factor * WEEK[:3]))) == pytest.approx(FOUR_WEEKS, rel=0.1)


def test_a_weekend_is_no_stop() -> None:
    for cut in (0, 5, 6):
        assert month(frame(days(weeks(12), weeks(1)[:cut]))) == pytest.approx(FOUR_WEEKS, rel=0.05)


@pytest.mark.parametrize("lasted", [1, 2])
def test_an_outage_of_one_or_two_days_is_no_stop_though_a_weekend_follows(lasted: int) -> None:
    values = days(weeks(12))
    values[-2 - lasted : -2] = 0
    assert month(frame(values)) == pytest.approx(FOUR_WEEKS, rel=0.1)


def test_incomplete_days_are_no_stop() -> None:
    daily = frame(days(weeks(12), 0 * WEEK)).with_columns(complete=pl.col("date") < FIRST + timedelta(days=84))
    assert month(daily) == pytest.approx(FOUR_WEEKS, rel=0.05)


def test_a_week_of_closures_is_no_stop() -> None:
    closed = tuple(FIRST + timedelta(days=84 + n) for n in range(5))
    settings = ForecastSettings(Calendar(closures=closed), method="mean")
    for cut in (4, 7):
        assert month(frame(days(weeks(12), 0 * WEEK[:cut])), settings) == pytest.approx(FOUR_WEEKS, rel=0.05)


def test_a_week_in_which_everything_rests_is_no_stop_of_everything() -> None:
    names = [f"s{n}" for n in range(6)]
    resting = pl.concat(frame(days(weeks(12), 0.05 * WEEK[:5], seed=n), name) for n, name in enumerate(names))
    assert month(resting, series="s0") > 0.8 * FOUR_WEEKS
    stopped = pl.concat(
        [resting.filter(pl.col("series") == "s0"), *(frame(days(weeks(12), WEEK[:5]), name) for name in names[1:])]
    )
    assert month(stopped, series="s0") < 0.1 * FOUR_WEEKS


def test_after_a_week_of_rest_the_former_level_is_back_in_four_days() -> None:
    assert month(frame(days(weeks(12), 0 * WEEK, WEEK[:4]))) == pytest.approx(FOUR_WEEKS, rel=0.1)


def around_new_year(low: Callable[[date], float], last: date) -> pl.DataFrame:
    first = date(2026, 9, 7)
    dates = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return frame(days(np.array([low(day) * WEEK[day.weekday()] for day in dates])), first=first)


def test_long_rests_around_the_turn_of_the_year_are_no_stop() -> None:
    def low(day: date) -> float:
        return 0.05 if date(2026, 12, 21) <= day <= date(2027, 1, 5) else 1.0

    for last in (date(2026, 12, 23), date(2027, 1, 4), date(2027, 1, 5), date(2027, 1, 7)):
        assert month(around_new_year(low, last)) > 0.6 * FOUR_WEEKS, last


def test_a_stop_before_and_after_the_turn_of_the_year_is_followed() -> None:
    for stop, last in ((date(2026, 12, 14), date(2026, 12, 17)), (date(2026, 12, 21), date(2027, 1, 11))):
        daily = around_new_year(lambda day, stop=stop: float(day < stop), last)  # type: ignore[misc]
        assert month(daily) < 0.05 * FOUR_WEEKS, stop


@pytest.mark.parametrize("rest", [2, 5, 10])
def test_a_series_that_stopped_and_comes_back_is_followed_in_a_week(rest: int) -> None:
    others = pl.concat(frame(days(weeks(12 + rest + 1), seed=n), f"other-{n}") for n in range(3))
    back = frame(days(weeks(12), 0 * weeks(rest), WEEK))
    assert month(pl.concat([others, back])) == pytest.approx(FOUR_WEEKS, rel=0.2)


def test_a_new_series_of_three_weeks_that_stops_is_followed() -> None:
    old = frame(days(weeks(16)), "old")
    new = frame(days(weeks(3), 0 * WEEK[:4]), first=FIRST + timedelta(days=7 * 12 + 3))
    assert month(pl.concat([old, new])) < 0.1 * FOUR_WEEKS


def test_a_few_days_of_a_new_series_are_a_level_of_their_own() -> None:
    old = frame(days(weeks(12)), "old")
    new = frame(days(3 * WEEK[:5], seed=2), first=FIRST + timedelta(days=77))
    assert month(pl.concat([old, new])) == pytest.approx(3 * FOUR_WEEKS, rel=0.15)


@pytest.mark.parametrize("factor", [0.0, 2.0])
def test_a_shift_of_a_series_that_runs_at_weekends_is_followed_after_two_of_them(factor: float) -> None:
    values = days(weeks(12, WEEKEND), factor * weeks(2, WEEKEND))
    assert month(frame(values)) == pytest.approx(factor * 4 * WEEKEND.sum(), rel=0.22, abs=1)
    assert month(frame(days(weeks(12, WEEKEND), 0 * WEEKEND[:5]))) == pytest.approx(4 * WEEKEND.sum(), rel=0.1)


def test_a_weekly_job_that_misses_twice_has_stopped_and_one_miss_is_none() -> None:
    weekly = np.array([70.0, 0, 0, 0, 0, 0, 0])
    assert month(frame(np.concatenate([weeks(12, weekly), 0 * weeks(2)]))) == 0
    assert month(frame(np.concatenate([weeks(12, weekly), 0 * WEEK]))) > 0.75 * 4 * 70
    assert month(frame(np.concatenate([weeks(12, weekly), 3 * weeks(2, weekly)]))) > 2.2 * 4 * 70


def test_rare_runs_are_no_jumps() -> None:
    values = np.where(np.random.default_rng(4).random(392) < 0.1, 50.0, 0.0)
    values[-4:] = 50.0
    assert month(frame(values)) < 28 * 50 * 0.4


def test_days_as_low_as_others_before_are_no_stop() -> None:
    """Where a third of the days are far off, four of them in a row say nothing."""
    values = days(weeks(16), seed=3, scale=0.9)
    values[-7:-3] = 0.3 * WEEK[:4]
    assert month(frame(values)) > 0.5 * FOUR_WEEKS


def test_a_stop_after_a_steady_rise_is_followed() -> None:
    values = days(weeks(12) * np.linspace(0.4, 1.2, 84), 0 * WEEK[:4])
    assert month(frame(values)) == 0


def test_an_organization_follows_when_its_largest_project_stops() -> None:
    small, large = days(weeks(12), WEEK[:4], seed=2), 2 * days(weeks(12), 0 * WEEK[:4])
    daily = pl.concat([frame(small, "small"), frame(large, "large"), frame(small + large, "organization")])
    assert month(daily, series="organization") == pytest.approx(month(daily, series="small"), rel=0.1)
    assert month(daily, series="large") == 0


def test_the_range_of_a_stopped_series_holds_its_return_possible() -> None:
    daily = frame(days(weeks(30), 0 * WEEK[:4]))
    totals = forecast_total(daily, FIRST + timedelta(days=214 + AHEAD), MEAN).row(0, named=True)
    assert totals["p10"] == totals["median"] == 0
    assert 0.05 * FOUR_WEEKS < totals["p90"] < FOUR_WEEKS
    by_day = forecast(daily, FIRST + timedelta(days=214 + AHEAD), MEAN)
    assert by_day["median"].max() == 0
