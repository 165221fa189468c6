"""The course of a budget ends at the amounts of its state, whichever period, unit or scope it has."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest

from circleci_cost.days import days_between
from circleci_cost.model.budgets.course import COURSE_SCHEMA
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.warehouse.budgets.budget_course import budget_course
from circleci_cost.warehouse.budgets.budget_status import Periods, read_budget_status, write_budget_status
from circleci_cost.warehouse.forecast.cost_forecast import write_forecasts
from circleci_cost_tests.warehouse.budgets.builders import allocated, budget, warehouse

FIRST, THROUGH = date(2026, 1, 5), date(2026, 3, 12)
BUDGETS = {
    made.name: made
    for made in (
        budget("engineering", amount=85),
        budget("api", amount=7, parent="engineering", where={"project": "api"}),
        budget("web weekly", period="week", unit="credits", amount=40_000, where={"project": "web"}, seats=False),
        budget("team of the year", period="year", amount=1000, where={"team": "web"}),
        budget("nothing", where={"project": "gone"}),
    )
}


@pytest.fixture(scope="module")
def judged() -> Iterator[duckdb.DuckDBPyConnection]:
    """`web` costs 3.00 on working days and 0.60 at weekends, `api` a third of a credit more than 0.60."""
    rows = []
    for day in days_between(FIRST, THROUGH):
        seat = 25000 if day.day == 1 else 0
        rows.append({"date": day, "project": "web", "compute": 5000 if day.weekday() < 5 else 1000, "user": seat})
        rows.append({"date": day, "project": "api", "compute": Decimal("1000.333333")})
    with warehouse(rows) as connection:
        allocated(connection, ({"date": day, "value": "web", "credits": 2000} for day in days_between(FIRST, THROUGH)))
        write_forecasts(connection, list(BUDGETS.values()), ForecastSettings())
        write_budget_status(connection, list(BUDGETS.values()))
        yield connection


def courses(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    states = read_budget_status(connection, Periods.ALL)
    for number, row in enumerate(states.to_dicts()):
        yield row, budget_course(connection, BUDGETS[row["budget"]], states[number])


def test_the_sum_of_the_days_is_the_actual_of_the_state_to_the_last_digit(judged: duckdb.DuckDBPyConnection) -> None:
    seen = set()
    for row, course in courses(judged):
        known = course.drop_nulls("cumulated")
        seen.add(row["budget"])
        assert dict(course.schema) == COURSE_SCHEMA
        assert course.height == row["days"]
        assert known.height == row["days_gone"]
        assert (known["cumulated"][-1] if known.height else Decimal(0)) == row["actual"]
        assert known["spent"].sum() == row["actual"]
        assert known.height == 0 or known["prorated_budget"][-1] == row["prorated_budget"]
        assert course["prorated_budget"][-1] == row["amount"]
    assert seen == set(BUDGETS)


def test_the_forecast_begins_at_what_is_spent_and_ends_at_the_state_s(judged: duckdb.DuckDBPyConnection) -> None:
    current = 0
    for row, course in courses(judged):
        expected = course.drop_nulls("forecast_median")
        if row["period_end"] <= THROUGH:
            assert expected.height == 0
            continue
        current += 1
        assert expected["date"].to_list() == days_between(THROUGH, row["period_end"])
        micro = round(row["actual"], 6)
        assert expected.select("forecast_median", "forecast_p10", "forecast_p90").row(0) == (micro, micro, micro)
        last = expected.row(-1, named=True)
        for name in ("forecast_median", "forecast_p10", "forecast_p90"):
            assert last[name] == row[name]
            assert expected[name].is_sorted()
        assert expected.select((pl.col("forecast_p10") <= pl.col("forecast_median")).all()).item()
        assert expected.select((pl.col("forecast_median") <= pl.col("forecast_p90")).all()).item()
    assert current == len(BUDGETS)


def test_the_day_of_overrun_is_the_first_whose_expected_sum_exceeds_the_amount(
    judged: duckdb.DuckDBPyConnection,
) -> None:
    checked = 0
    for row, course in courses(judged):
        amount = row["amount"]
        sums = course.select(pl.col("date"), pl.coalesce("cumulated", "forecast_median").alias("sum"))
        over = sums.filter(pl.col("sum") > amount)["date"].min()
        assert row["overrun_date"] == over
        checked += over is not None
    assert checked > 3


def test_a_scope_edited_after_the_judgement_shows_in_the_days(judged: duckdb.DuckDBPyConnection) -> None:
    states = read_budget_status(judged, Periods.CURRENT).filter(budget="engineering")
    edited = budget("engineering", amount=85, where={"project": "api"})
    course = budget_course(judged, edited, states)
    assert course.drop_nulls("cumulated")["cumulated"][-1] < states["actual"][0]


def test_forecasts_of_other_data_are_not_drawn(judged: duckdb.DuckDBPyConnection) -> None:
    states = read_budget_status(judged, Periods.CURRENT).filter(budget="engineering")
    earlier = states.with_columns(data_through=pl.lit(date(2026, 3, 10)))
    assert budget_course(judged, BUDGETS["engineering"], earlier).drop_nulls("forecast_median").is_empty()
