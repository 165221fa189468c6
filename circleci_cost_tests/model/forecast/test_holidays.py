from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.calendar.special_days import special_days
from circleci_cost.model.forecast.forecasting import ForecastSettings, forecast, forecast_total

GERMANY = ForecastSettings(Calendar(country="DE", subdivision="BY"), method="mean")
NOWHERE = ForecastSettings(method="mean")
WEEK = np.array([100.0, 120, 125, 118, 90, 10, 12])


def kinds(
    first: date, last: date, country: str | None = None, part: str | None = None, **settings: Any
) -> dict[date, str]:
    calendar = Calendar(country=country, subdivision=part, **settings)
    return dict(special_days(first, last, calendar).iter_rows())


def costs(first: date, last: date, low: float, subdivision: str = "BY") -> pl.DataFrame:
    """Thirteen months of one rhythm, at the share `low` on the working days that are special in Bavaria."""
    days = pl.date_range(first, last, eager=True)
    special = set(special_days(first, last, Calendar(country="DE", subdivision=subdivision))["date"])
    cost = [WEEK[day.weekday()] * (low if day in special and day.weekday() < 5 else 1.0) for day in days]
    return pl.DataFrame({"series": "a", "date": days, "cost": cost})


def test_the_turn_of_the_year_is_special_everywhere() -> None:
    special = kinds(date(2025, 12, 20), date(2026, 1, 10))
    near = dict.fromkeys((date(2025, 12, 22), date(2025, 12, 23), date(2026, 1, 2)), "near_year_end")
    assert special == near | {date(2025, 12, 24) + timedelta(days=n): "year_end" for n in range(9)}


def test_a_country_has_its_holidays_and_the_bridges_to_the_weekend() -> None:
    special = kinds(date(2026, 5, 11), date(2026, 6, 7), "DE", "BY")
    assert special == {
        date(2026, 5, 14): "holiday",  # Ascension, a Thursday
        date(2026, 5, 15): "bridge",
        date(2026, 5, 25): "holiday",  # Whit Monday
        date(2026, 6, 4): "holiday",  # Corpus Christi, in Bavaria
        date(2026, 6, 5): "bridge",
    }
    assert date(2026, 6, 4) not in kinds(date(2026, 5, 11), date(2026, 6, 7), "DE", "BE")


def test_a_bridge_is_found_though_its_holiday_lies_outside_the_range() -> None:
    assert kinds(date(2026, 5, 15), date(2026, 5, 15), "DE") == {date(2026, 5, 15): "bridge"}


def test_own_closures_come_first() -> None:
    closures = (date(2026, 8, 3), date(2026, 12, 25), date(2027, 8, 3))
    special = kinds(date(2026, 8, 1), date(2026, 12, 25), "DE", closures=closures)
    assert {day for day, kind in special.items() if kind == "closure"} == {date(2026, 8, 3), date(2026, 12, 25)}


def test_an_unknown_country_or_subdivision_is_named_with_what_is_near() -> None:
    with pytest.raises(ValidationError, match=r"country 'de' has no calendar of holidays .did you mean DE"):
        kinds(date(2026, 1, 1), date(2026, 1, 2), "de")
    with pytest.raises(ValidationError, match=r"subdivision 'QQ' of DE .*known are: BB, BE"):
        kinds(date(2026, 1, 1), date(2026, 1, 2), "DE", "QQ")
    with pytest.raises(ValidationError, match="subdivision 'BY' has no country"):
        kinds(date(2026, 1, 1), date(2026, 1, 2), None, "BY")


def test_the_low_of_the_turn_of_the_year_is_not_carried_into_january() -> None:
    past = costs(date(2025, 6, 2), date(2026, 1, 1), low=0.05)
    # Two bridges, 2 and 5 January, and Epiphany are ahead.
    row = forecast_total(past, date(2026, 2, 5), GERMANY).row(0, named=True)
    assert row["median"] == pytest.approx(5 * WEEK.sum() - 0.95 * (WEEK[4] + WEEK[0] + WEEK[1]), rel=0.01)


def test_coming_holidays_are_as_low_as_past_ones_were() -> None:
    past = costs(date(2025, 5, 5), date(2026, 4, 30), low=0.05)
    medians = dict(forecast(past, date(2026, 5, 31), GERMANY).select("date", "median").iter_rows())
    assert medians[date(2026, 5, 14)] == pytest.approx(0.05 * WEEK[3], abs=0.05 * WEEK[3])
    assert medians[date(2026, 5, 21)] == pytest.approx(WEEK[3], rel=0.02)


def test_holidays_that_a_series_does_not_keep_do_not_lower_it() -> None:
    past = costs(date(2025, 5, 5), date(2026, 4, 30), low=1.0)
    medians = dict(forecast(past, date(2026, 5, 31), GERMANY).select("date", "median").iter_rows())
    assert medians[date(2026, 5, 14)] == pytest.approx(WEEK[3], rel=0.1)


def test_of_two_series_each_keeps_its_own_holidays() -> None:
    first, last = date(2025, 5, 5), date(2026, 4, 30)
    resting = costs(first, last, low=0.05).with_columns(series=pl.lit("resting"))
    working = costs(first, last, low=1.0).with_columns(series=pl.lit("working"))
    medians = forecast(pl.concat([resting, working]), date(2026, 5, 14), GERMANY)
    ascension = dict(medians.filter(pl.col("date") == date(2026, 5, 14)).select("series", "median").iter_rows())
    assert ascension["resting"] < 0.2 * WEEK[3]
    assert ascension["working"] > 0.85 * WEEK[3]


def test_a_holiday_never_seen_before_is_taken_for_a_weekend() -> None:
    past = costs(date(2026, 9, 7), date(2026, 12, 20), low=1.0)
    medians = dict(forecast(past, date(2026, 12, 31), NOWHERE).select("date", "median").iter_rows())
    assert medians[date(2026, 12, 21)] == pytest.approx(WEEK[0])
    for number in (22, 24):
        usual = WEEK[date(2026, 12, number).weekday()]
        assert medians[date(2026, 12, number)] == pytest.approx(usual * WEEK[5:].mean() / WEEK[:5].mean())


def test_a_series_that_runs_at_weekends_runs_on_a_holiday_never_seen_before() -> None:
    past = costs(date(2026, 9, 7), date(2026, 12, 20), low=1.0).with_columns(cost=pl.lit(50.0))
    assert set(forecast(past, date(2026, 12, 31), NOWHERE)["median"].round(6)) == {50.0}


def test_a_new_series_learns_holidays_from_the_others() -> None:
    first, last = date(2025, 5, 5), date(2026, 5, 10)
    old = [costs(first, last, low=0.5).with_columns(series=pl.lit(f"old-{n}")) for n in range(10)]
    new = costs(date(2026, 4, 13), last, low=0.5).filter(pl.col("date") != date(2026, 5, 1))
    medians = forecast(pl.concat([*old, new]), date(2026, 5, 31), GERMANY).filter(pl.col("series") == "a")
    ascension = medians.filter(pl.col("date") == date(2026, 5, 14))["median"].item()
    weekend = WEEK[3] * WEEK[5:].mean() / WEEK[:5].mean()
    assert weekend * 2 < ascension < 0.7 * WEEK[3]


def test_a_holiday_missing_in_the_calendar_does_not_lower_its_weekday() -> None:
    past = costs(date(2026, 1, 12), date(2026, 4, 30), low=0.05)  # with Good Friday and Easter Monday
    row = forecast_total(past, date(2026, 5, 28), NOWHERE).row(0, named=True)
    # Two days at a twentieth would be 6 % of the last four weeks.
    assert row["median"] == pytest.approx(4 * WEEK.sum(), rel=0.035)


def test_own_closures_are_expected_to_be_low() -> None:
    closure = date(2026, 8, 5)
    settings = ForecastSettings(Calendar(closures=(closure,)), method="mean")
    past = costs(date(2026, 1, 12), date(2026, 7, 31), low=1.0)
    medians = dict(forecast(past, date(2026, 8, 31), settings).select("date", "median").iter_rows())
    assert medians[closure] < 0.2 * medians[date(2026, 8, 12)]
