"""Comparisons over published days: the change of the whole, or why there is none."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.reporting.comparison import Compared, Withheld
from circleci_cost.model.reporting.filters import parse_filters
from circleci_cost.model.reporting.report import Question
from circleci_cost.warehouse.reporting.compared import compared
from circleci_cost_tests.warehouse.allocation.builders import warehouse
from circleci_cost_tests.warehouse.reporting.builders import generation

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(14)]
ROWS: list[dict[str, Any]] = [
    *({"date": day, "compute": 100 + number} for number, day in enumerate(DAYS)),
    {"date": DAYS[9], "project": "free", "compute": 5, "price": None},
]
WEEK = Question(DAYS[7], DAYS[13], ("project",))


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse(ROWS) as opened:
        for center, days in (("acme", DAYS), ("globex", DAYS[5:])):
            opened.executemany(
                "INSERT INTO usage_days "
                "VALUES (?, ?, 0, 0, 0, 'e', '2026-02-01', '2026-02-01', true, true, NULL, NULL)",
                [(center, day) for day in days],
            )
        yield opened


def ask(
    connection: duckdb.DuckDBPyConnection, question: Question, centers: Sequence[str] = ("acme",), **more: Any
) -> Compared | Withheld | None:
    return compared(connection, generation(DAYS[13]), question, more.pop("mode", "previous"), centers, **more)


def test_the_change_is_that_of_the_filtered_days(connection: duckdb.DuckDBPyConnection) -> None:
    result = ask(connection, replace(WEEK, filters=parse_filters(["project=web"])))
    assert isinstance(result, Compared)
    assert (result.current, result.before) == (DayRange(DAYS[7], DAYS[13]), DayRange(DAYS[0], DAYS[6]))
    assert result.change is not None
    assert f"{result.change.difference:.4f}" == "0.0294"


def test_credits_without_a_price_withhold_a_change_in_dollars_only(connection: duckdb.DuckDBPyConnection) -> None:
    assert ask(connection, WEEK) == Withheld("5 credits of 2026-01-08 to 2026-01-14 have no price.")
    assert ask(connection, WEEK, in_dollars=False) == Compared(DayRange(DAYS[7], DAYS[13]), DayRange(DAYS[0], DAYS[6]))


def test_a_day_that_was_exported_too_early_withholds_it(connection: duckdb.DuckDBPyConnection) -> None:
    early = {"day": DAYS[3], "center": "acme"}
    mark = "UPDATE usage_days SET complete = $complete WHERE date = $day AND cost_center = $center"
    connection.execute(mark, {"complete": False, **early})
    try:
        assert ask(connection, WEEK) == Withheld("There are no complete data for 2026-01-04.")
    finally:
        connection.execute(mark, {"complete": True, **early})


def test_days_that_a_cost_center_of_the_question_lacks_withhold_it(connection: duckdb.DuckDBPyConnection) -> None:
    both = ("acme", "globex")
    assert ask(connection, WEEK, both) == Withheld("There are no complete data for 2026-01-01 to 2026-01-05.")
    only = replace(WEEK, filters=parse_filters(["cost_center!=globex"]))
    assert isinstance(ask(connection, only, both, in_dollars=False), Compared)
    assert ask(connection, WEEK, both, mode="off") is None
