"""Costs that return each month are foreseen on their day, once, and leave the other days as they were."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from circleci_cost.model.forecast.forecasting import ForecastSettings, forecast, forecast_total

FIRST = date(2026, 1, 1)
MEAN = ForecastSettings(method="mean")
BASE, BILL = 10.0, 500.0


def left_in_month(day: date) -> int:
    return ((day.replace(day=28) + timedelta(days=4)).replace(day=1) - day).days - 1


RULES: dict[str, Callable[[date], bool]] = {
    "28th": lambda day: day.day == 28,
    "last day": lambda day: left_in_month(day) == 0,
    "last three days": lambda day: left_in_month(day) < 3,
    "first Monday": lambda day: day.weekday() == 0 and day.day <= 7,
    "last Friday": lambda day: day.weekday() == 4 and left_in_month(day) < 7,
    "1st and 15th": lambda day: day.day in (1, 15),
}


def daily(rule: Callable[[date], bool], last: date, base: float = BASE, scale: float = 0.0) -> pl.DataFrame:
    dates = [FIRST + timedelta(days=n) for n in range((last - FIRST).days + 1)]
    noise = np.exp(scale * np.random.default_rng(3).standard_normal(len(dates)))
    cost = [base * factor + (BILL if rule(day) else 0.0) for day, factor in zip(dates, noise, strict=True)]
    return pl.DataFrame({"series": "a", "date": dates, "cost": cost})


def medians(past: pl.DataFrame, until: date) -> dict[date, float]:
    return dict(forecast(past, until, MEAN).select("date", "median").iter_rows())


def rest_of(last: date, rule: Callable[[date], bool], base: float = BASE) -> float:
    """What the days after `last` to its month's end will come to."""
    coming = [last + timedelta(days=n) for n in range(1, left_in_month(last) + 1)]
    return sum(base + (BILL if rule(day) else 0.0) for day in coming)


@pytest.mark.parametrize("last", [date(2026, 4, 10), date(2026, 6, 28), date(2026, 6, 29)])
def test_a_monthly_bill_is_foreseen_on_its_day_after_three_and_booked_once(last: date) -> None:
    end = last + timedelta(days=left_in_month(last))
    # Beside a steady base, and with nearly nothing else.
    cases = {f"{rule} {base}": (due, base) for rule, due in RULES.items() for base in (BASE, 0.01)}
    past = pl.concat(daily(due, last, base).with_columns(series=pl.lit(name)) for name, (due, base) in cases.items())
    totals = forecast_total(past, end, MEAN)
    for name, day, median in forecast(past, end, MEAN).select("series", "date", "median").iter_rows():
        due, base = cases[name]
        assert median == pytest.approx(base + (BILL if due(day) else 0.0), abs=0.02 * BILL), (name, day)
    for name, median in totals.select("series", "median").iter_rows():
        due, base = cases[name]
        assert median == pytest.approx(rest_of(last, due, base), abs=0.02 * BILL), name


@pytest.mark.parametrize("rule", ["28th", "last day", "first Monday", "last Friday"])
def test_a_bill_of_the_same_amount_is_foreseen_after_two(rule: str) -> None:
    due = RULES[rule]
    last = next(day for n in range(31, 90) if due(day := FIRST + timedelta(days=n)) and day > date(2026, 2, 14))
    last = max(last, date(2026, 2, 28))
    coming = medians(daily(due, last), date(2026, 3, 31))
    assert sum(coming.values()) - BASE * len(coming) == pytest.approx(BILL if last < date(2026, 3, 1) else 0, abs=30)


def test_one_bill_foresees_nothing_but_widens_nothing_else() -> None:
    assert max(medians(daily(RULES["28th"], date(2026, 2, 10)), date(2026, 2, 28)).values()) < 3 * BASE


def test_a_bill_that_was_booked_early_is_not_expected_again() -> None:
    early = daily(lambda day: day.day == (26 if day.month == 6 else 28), date(2026, 6, 26))
    assert max(medians(early, date(2026, 6, 30)).values()) < 3 * BASE


def test_a_bill_that_ended_is_not_expected_for_ever() -> None:
    ended = daily(lambda day: day.day == 28 and day.month < 5, date(2026, 6, 10))
    assert max(medians(ended, date(2026, 6, 30)).values()) < 3 * BASE


def test_a_bill_is_expected_in_every_month_ahead() -> None:
    coming = medians(daily(RULES["28th"], date(2026, 6, 10)), date(2026, 10, 31))
    assert [day for day, cost in coming.items() if cost > BILL / 2] == [date(2026, month, 28) for month in range(6, 11)]


def test_two_bills_of_a_series_are_both_foreseen() -> None:
    due = lambda day: day.day == 12 or RULES["last Friday"](day)  # noqa: E731
    coming = medians(daily(due, date(2026, 6, 10)), date(2026, 6, 30))
    assert [day for day, cost in coming.items() if cost > BILL / 2] == [date(2026, 6, 12), date(2026, 6, 26)]


def test_days_without_a_bill_are_forecast_as_if_there_were_none() -> None:
    last, end = date(2026, 6, 10), date(2026, 6, 30)
    without = medians(daily(lambda _: False, last, scale=0.1), end)
    for due in RULES.values():
        with_bill = medians(daily(due, last, scale=0.1), end)
        for day, cost in with_bill.items():
            assert cost == pytest.approx(without[day] + (BILL if due(day) else 0.0), abs=0.25 * BASE)


def spread_by_weekday(past: pl.DataFrame) -> pl.DataFrame:
    """How far the forecasts of the same weekday lie apart: `series`, `weekday`, `spread`."""
    last = past["date"].max()
    assert isinstance(last, date)
    coming = forecast(past, last + timedelta(days=28), MEAN)
    weekday = pl.col("date").dt.weekday().alias("weekday")
    return coming.group_by("series", weekday).agg((pl.col("median").max() - pl.col("median").min()).alias("spread"))


@pytest.mark.parametrize("share", [0.03, 0.15])
def test_rare_runs_are_no_bills(share: float) -> None:
    """Single runs at random are expected at their rate, and on no day in particular."""
    draw = np.random.default_rng(11)
    names = [f"s{n}" for n in range(40)]
    dates = [FIRST + timedelta(days=n) for n in range(300)]
    past = pl.concat(
        pl.DataFrame(
            {"series": name, "date": dates, "cost": np.where(draw.random(300) < share, draw.uniform(30, 90, 300), 0.0)}
        )
        for name in names
    )
    spread = spread_by_weekday(past)
    assert spread.filter(pl.col("spread") > 10).height < 0.02 * spread.height


def test_noise_and_a_weekly_rhythm_hold_no_bills() -> None:
    draw = np.random.default_rng(12)
    dates = [FIRST + timedelta(days=n) for n in range(300)]
    week = np.array([100.0, 120, 125, 118, 90, 10, 12])
    rhythm = week[[day.weekday() for day in dates]]
    past = pl.concat(
        pl.DataFrame({"series": f"s{n}", "date": dates, "cost": rhythm * np.exp(0.4 * draw.standard_normal(300))})
        for n in range(40)
    )
    spread = spread_by_weekday(past)
    assert spread.filter(pl.col("spread") > 1e-6).height < 0.01 * spread.height


def test_what_comes_later_changes_no_foreseen_bill() -> None:
    """A bill known only from later months is in no earlier forecast: the backtest would be too good."""
    from circleci_cost.model.forecast.history import history_of
    from circleci_cost.model.forecast.methods import outlook
    from circleci_cost.model.forecast.panel import calendar_days, panel_of

    whole = daily(RULES["last three days"], date(2026, 9, 30), scale=0.1)
    days = (date(2026, 9, 30) - FIRST).days + 62

    def path(past: pl.DataFrame, cut: int) -> list[float]:
        history = history_of(panel_of(past), calendar_days(FIRST, days, MEAN.calendar))
        return outlook(history, np.array([cut]), 45).paths(45)["mean"][0, 0].tolist()  # type: ignore[no-any-return]

    for cut in range(20, 240, 20):
        known = whole.filter(pl.col("date") <= FIRST + timedelta(days=cut))
        assert path(whole, cut) == path(known, cut)


def test_a_bill_keeps_the_note_and_the_range_of_a_running_series() -> None:
    totals = forecast_total(daily(RULES["28th"], date(2026, 9, 10), base=0.0), date(2026, 9, 30), MEAN)
    row = totals.row(0, named=True)
    assert row["note"] is None
    assert row["p10"] < row["median"] < row["p90"]
    assert_frame_equal(totals, forecast_total(daily(RULES["28th"], date(2026, 9, 10), 0.0), date(2026, 9, 30), MEAN))
