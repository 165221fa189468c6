import re

import polars as pl
import pytest

from circleci_cost.model.calendar.definition import Calendar

from .real_series import CALENDARS, FOLDER, as_runs, real_series


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
