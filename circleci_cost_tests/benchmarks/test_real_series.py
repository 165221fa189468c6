"""The real series, and what is certain of them."""

import re
from datetime import date

import polars as pl
import pytest

from circleci_cost.model.calendar.definition import Calendar

from .real_series import CALENDARS, FOLDER, INJECTIONS, alarms_in, as_runs, injections_found, real_series


@pytest.fixture(scope="module")
def daily() -> pl.DataFrame:
    return real_series()


def test_every_series_has_its_origin_and_licence_in_the_readme() -> None:
    rows = re.findall(r"^\| (\w+) \|.+\|.+\|.+\| (.+) \|$", (FOLDER / "README.md").read_text(), re.MULTILINE)
    described = {name for name, licence in rows if name != "file" and licence}
    assert described == set(CALENDARS) == {path.stem for path in FOLDER.glob("*.csv")}


def test_every_series_lasts_a_year_and_has_each_day_once(daily: pl.DataFrame) -> None:
    spans = daily.group_by("series").agg(
        pl.len(),
        pl.col("date").n_unique().alias("days"),
        pl.col("date").is_sorted().alias("in_order"),
        ((pl.col("date").max() - pl.col("date").min()).dt.total_days() + 1).alias("span"),
    )
    assert spans["len"].to_list() == spans["days"].to_list()
    assert spans["in_order"].all()
    assert (spans["span"] >= 365).all()
    unknown = spans.filter(pl.col("span") > pl.col("days")).select("series", pl.col("span") - pl.col("days"))
    assert dict(unknown.iter_rows()) == {"page_views_manning": 5, "road_traffic_minneapolis": 9}


def test_counts_are_known_and_never_negative(daily: pl.DataFrame) -> None:
    assert daily["cost"].null_count() == 0
    assert (daily["cost"] >= 0).all()
    assert (daily["cost"] == daily["cost"].round()).all()


def test_a_series_carries_the_codes_of_its_calendar(daily: pl.DataFrame) -> None:
    codes = daily.select("series", "country", "subdivision").unique()
    found = {name: Calendar(country=country, subdivision=part) for name, country, part in codes.iter_rows()}
    assert found == CALENDARS


def test_a_count_as_runs_has_one_dollar_a_run(daily: pl.DataFrame) -> None:
    runs = as_runs(daily.head(50))
    assert runs["runs"].to_list() == runs["cost"].to_list() == runs["cost_squared"].to_list()


def test_an_injection_at_the_end_of_a_busy_year_is_judged_in_both_forms(daily: pl.DataFrame) -> None:
    busy = daily.filter(
        pl.col("series") == "deaths_puerto_rico", pl.col("date").is_between(date(2016, 8, 20), date(2017, 1, 2))
    )
    outcomes = injections_found(busy, CALENDARS["deaths_puerto_rico"])
    assert [(outcome.injection, outcome.year) for outcome in outcomes] == [(each, 2016) for each in INJECTIONS]
    tripled = outcomes[1]
    assert tripled.alone is not None and tripled.alone >= 1
    assert tripled.runs is not None and tripled.runs >= 1


def test_a_series_that_rests_at_the_end_of_the_year_gets_no_injection(daily: pl.DataFrame) -> None:
    closed = daily.filter(pl.col("series") == "online_orders_uk")
    assert injections_found(closed, CALENDARS["online_orders_uk"]) == []


@pytest.mark.parametrize(
    ("name", "since"),
    [
        ("births_us", date(2013, 9, 1)),
        ("flights_new_york", date(2013, 1, 1)),
        ("electricity_portugal", date(2012, 6, 1)),
        ("road_traffic_minneapolis", date(2017, 6, 1)),
    ],
)
def test_no_holiday_is_said_to_be_less_than_usual(daily: pl.DataFrame, name: str, since: date) -> None:
    some = daily.filter(pl.col("series") == name, pl.col("date") >= since).head(500)
    said = alarms_in(some, CALENDARS[name]).filter(pl.col("specials") > 0, direction="down")
    assert said.rows() == []
