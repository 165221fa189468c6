"""`cost_forecast` and `budget_status` from the costs of a warehouse: written whole, read back, never computed twice."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from circleci_cost.days import days_between
from circleci_cost.model.budgets.status import Status
from circleci_cost.model.budgets.text import TABLE_HEADER, cells, tree
from circleci_cost.model.forecast.forecasting import ForecastSettings
from circleci_cost.warehouse.budgets.budget_status import (
    BudgetSummary,
    Periods,
    read_budget_status,
    write_budget_status,
)
from circleci_cost.warehouse.core.statements import one_row
from circleci_cost.warehouse.forecast.cost_forecast import ForecastSummary, write_forecasts
from circleci_cost_tests.warehouse.budgets.builders import allocated, budget, known, warehouse

FIRST, THROUGH = date(2025, 11, 1), date(2026, 4, 12)
SETTINGS = ForecastSettings()
BUDGETS = [
    budget("engineering", amount=200),
    budget("web", amount=80, parent="engineering", where={"project": "web"}),
    budget("api", amount=7, parent="engineering", where={"project": "api"}),
    budget("web weekly", period="week", unit="credits", amount=40_000, where={"project": "web"}, seats=False),
    budget("team of the year", period="year", amount=1000, where={"team": "web"}),
]


def usage() -> Iterator[dict[str, Any]]:
    """`web` costs 3.00 on working days and 0.60 at weekends, `api` 0.60 a day; a seat costs 15.00 on each 1st."""
    for day in days_between(FIRST, THROUGH):
        working = day.weekday() < 5
        seat = 25000 if day.day == 1 else 0
        yield {"date": day, "project": "web", "compute": 5000 if working else 1000, "user": seat}
        yield {"date": day, "project": "api", "compute": 1000}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse whose budgets are not judged yet."""
    with warehouse(usage()) as connection:
        allocated(connection, ({"date": day, "value": "web", "credits": 2000} for day in days_between(FIRST, THROUGH)))
        yield connection


@dataclass(frozen=True)
class Written:
    """A warehouse whose budgets are judged, to be read only, and what was said of it."""

    connection: duckdb.DuckDBPyConnection
    forecasts: ForecastSummary
    budgets: BudgetSummary

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return rows(self.connection, query)


@pytest.fixture(scope="module")
def written() -> Iterator[Written]:
    with warehouse(usage()) as connection:
        allocated(connection, ({"date": day, "value": "web", "credits": 2000} for day in days_between(FIRST, THROUGH)))
        forecasts = write_forecasts(connection, BUDGETS, SETTINGS)
        yield Written(connection, forecasts, write_budget_status(connection, BUDGETS))


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()


def test_budgets_are_judged_by_the_forecasts_that_were_written_before(written: Written) -> None:
    forecasts = written.forecasts
    summary = written.budgets
    assert forecasts.data_through == summary.data_through == THROUGH
    assert summary.counts == {Status.ON_TRACK: 3, Status.AT_RISK: 1, Status.OVER_BUDGET: 1}
    assert summary.findings == ()
    # April until the 12th has 8 working days, 4 at the weekend and one seat.
    states = written.rows(
        "SELECT budget, period, actual, days_gone, run_rate, status FROM budget_status "
        "WHERE period_end > data_through ORDER BY budget",
    )
    assert states == [
        ("api", "2026-04", Decimal("7.2"), 12, Decimal(18), "over_budget"),
        ("engineering", "2026-04", Decimal("48.6"), 12, Decimal("121.5"), "on_track"),
        ("team of the year", "2026", Decimal("122.4"), 102, Decimal(438), "on_track"),
        ("web", "2026-04", Decimal("41.4"), 12, Decimal("103.5"), "at_risk"),
        ("web weekly", "2026-W16", Decimal(0), 0, None, "on_track"),
    ]


def test_the_forecast_of_a_period_is_what_was_spent_and_what_its_days_to_come_add_up_to(written: Written) -> None:
    states = written.rows(
        "SELECT budget, any_value(forecast_median - actual) - sum(median), min(date) = any_value(data_through + 1), "
        "max(date) = any_value(period_end), count(*) = any_value(days - days_gone) FROM budget_status "
        "JOIN cost_forecast ON series = budget AND series_kind = 'budget' "
        "WHERE period_end > data_through GROUP BY budget ORDER BY budget",
    )
    assert [row[0] for row in states] == sorted(budget.name for budget in BUDGETS)
    for name, difference, *dates in states:
        # Each day's median is rounded to a millionth.
        assert abs(difference) < Decimal("0.0003"), name
        assert dates == [True, True, True]
    crossed = "SELECT * FROM budget_status WHERE forecast_p10 > forecast_median OR forecast_median > forecast_p90"
    assert written.rows(crossed) == []
    (expected,) = written.rows("SELECT overrun_date FROM budget_status WHERE budget = 'web' AND status = 'at_risk'")
    reached = (
        "SELECT min(date) FROM (SELECT date, sum(median) OVER (ORDER BY date) AS so_far FROM cost_forecast "
        "WHERE series = 'web') WHERE so_far > 80 - 41.4"
    )
    assert [expected] == written.rows(reached)


def test_the_whole_and_its_parts_are_forecast_to_the_end_of_the_month_in_both_units(written: Written) -> None:
    forecasts = written.forecasts
    series = written.rows(
        "SELECT series_kind, series, unit, min(date), max(date), count(*) FROM cost_forecast "
        "WHERE series_kind <> 'budget' GROUP BY ALL ORDER BY ALL",
    )
    names = [("cost_center", "acme"), ("organization", "acme"), ("tag", "team=web"), ("total", "total")]
    ends = (THROUGH + timedelta(days=1), date(2026, 4, 30), 18)
    assert series == [(*name, unit, *ends) for name in names for unit in ("USD", "credits")]
    assert forecasts.series == len(series) + len(BUDGETS)
    assert forecasts.rows == one_row(written.connection, "SELECT count(*) FROM cost_forecast")[0]


def test_backtests_tell_which_method_was_chosen_and_how_good_it_was(written: Written) -> None:
    forecasts = written.forecasts
    chosen = written.rows("SELECT DISTINCT unit, method FROM forecast_backtests WHERE chosen ORDER BY unit")
    assert chosen == sorted(forecasts.methods.items())
    assert written.rows("SELECT DISTINCT cut_day FROM forecast_backtests ORDER BY 1") == [(5,), (10,), (15,), (20,)]
    # A method that knows weekdays beats the plain daily mean on costs that rest at weekends.
    wape: dict[bool, Any] = dict(
        written.rows(
            "SELECT chosen, avg(wape) FROM forecast_backtests WHERE chosen OR method = 'run_rate' GROUP BY ALL",
        )
    )
    assert 0 <= wape[True] < wape[False]
    assert forecasts.backtests.height == one_row(written.connection, "SELECT count(*) FROM forecast_backtests")[0]


def test_a_second_run_replaces_the_first_one(connection: duckdb.DuckDBPyConnection) -> None:
    for budgets in (BUDGETS, BUDGETS[:1]):
        write_forecasts(connection, budgets, SETTINGS)
        summary = write_budget_status(connection, budgets)
    assert rows(connection, "SELECT DISTINCT budget FROM budget_status") == [("engineering",)]
    assert rows(connection, "SELECT DISTINCT series FROM cost_forecast WHERE series_kind = 'budget'") == [
        ("engineering",)
    ]
    assert (summary.rows, summary.current.height) == (6, 1)


def test_a_forecast_of_other_data_or_of_another_period_is_not_taken(connection: duckdb.DuckDBPyConnection) -> None:
    write_forecasts(connection, BUDGETS, SETTINGS)
    changed = [BUDGETS[0].model_copy(update={"period": "week"})]
    summary = write_budget_status(connection, changed)
    assert summary.current.get_column("note").to_list() == ["no forecast for these data yet"]
    assert [(finding.budget, finding.kind) for finding in summary.findings] == [("engineering", "no_forecast")]
    known(connection, [THROUGH + timedelta(days=1)], ["acme"])
    notes = write_budget_status(connection, BUDGETS).current.get_column("note").to_list()
    assert notes == ["no forecast for these data yet"] * len(BUDGETS)


def test_f099_a_budget_for_an_unknown_team_is_kept_empty_and_told_the_nearest_one(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    budgets = [budget("typo", where={"team": "wep"}), budget("old", where={"project": {"regex": "^legacy"}})]
    write_forecasts(connection, budgets, SETTINGS)
    summary = write_budget_status(connection, budgets)
    assert [finding.message for finding in summary.findings] == [
        "the budget 'typo' asks for team 'wep', which no usage has; did you mean 'web'?",
        "the budget 'old' fits no usage: nothing has project matches ^legacy; correct its where, or leave it until "
        "there is such usage",
    ]
    current = summary.current.select("budget", "actual", "forecast_median", "overrun_probability", "status").rows()
    assert current == [(name, 0, 0, 0, "on_track") for name in ("typo", "old")]


def test_without_a_complete_day_there_is_nothing_to_judge() -> None:
    with warehouse() as empty:
        forecasts, summary = write_forecasts(empty, BUDGETS, SETTINGS), write_budget_status(empty, BUDGETS)
        assert (forecasts.data_through, forecasts.series, forecasts.rows, forecasts.methods) == (None, 0, 0, {})
        assert (summary.data_through, summary.rows, summary.current.height, summary.findings) == (None, 0, 0, ())


def test_days_without_any_usage_are_days_that_cost_nothing() -> None:
    days = days_between(date(2026, 4, 1), THROUGH)
    with warehouse([], days) as connection:
        write_forecasts(connection, BUDGETS[:1], SETTINGS)
        (row,) = write_budget_status(connection, BUDGETS[:1]).current.to_dicts()
    assert (row["actual"], row["days_gone"], row["forecast_median"], row["status"]) == (0, 12, 0, "on_track")


def test_costs_without_any_price_are_unknown_in_dollars_and_known_in_credits() -> None:
    unpriced = [{**row, "price": None} for row in usage() if row["date"] >= date(2026, 1, 1)]
    budgets = [budget("usd"), budget("credits", unit="credits", amount=1000)]
    with warehouse(unpriced) as connection:
        write_forecasts(connection, budgets, SETTINGS)
        usd, credits = write_budget_status(connection, budgets).current.sort("unit").to_dicts()
    assert (usd["actual"], usd["unpriced_credits"], usd["status"]) == (0, 81000, "on_track")
    assert "81000 credits have no price" in usd["note"]
    assert (credits["actual"], credits["status"], credits["note"]) == (81000, "over_budget", None)


def test_without_budgets_the_whole_is_forecast_all_the_same(connection: duckdb.DuckDBPyConnection) -> None:
    assert write_forecasts(connection, [], SETTINGS).series == 8
    assert write_budget_status(connection, []).rows == 0


def test_a_failure_on_the_way_leaves_the_former_rows() -> None:
    with warehouse(usage()) as connection:
        write_forecasts(connection, BUDGETS[:1], SETTINGS)
        write_budget_status(connection, BUDGETS[:1])
        before = rows(connection, "SELECT * FROM budget_status ORDER BY ALL")
        # The second of the new rows will not fit.
        connection.execute("ALTER TABLE budget_status ALTER status TYPE ENUM ('on_track')")
        with pytest.raises(duckdb.Error):
            write_budget_status(connection, BUDGETS)
        assert rows(connection, "SELECT * FROM budget_status ORDER BY ALL") == before


def test_running_last_and_all_periods_can_be_read(written: Written) -> None:

    def periods(which: Periods) -> set[tuple[str, str]]:
        return set(read_budget_status(written.connection, which).select("budget", "period").rows())

    names = {"web weekly", "web", "team of the year"}
    assert {row for row in periods(Periods.CURRENT) if row[0] in names} == {
        ("web", "2026-04"),
        ("web weekly", "2026-W16"),
        ("team of the year", "2026"),
    }
    assert {row for row in periods(Periods.LAST) if row[0] in names} == {
        ("web", "2026-03"),
        ("web weekly", "2026-W15"),
        ("team of the year", "2025"),
    }
    assert len([row for row in periods(Periods.ALL) if row[0] == "web weekly"]) == 25


def test_the_table_for_people_is_a_tree(written: Written) -> None:
    table = [cells(depth, row) for depth, row in tree(written.budgets.current)]
    assert [(row[0], row[1]) for row in table] == [
        ("team of the year", "2026"),
        ("engineering", "2026-04"),
        ("· api", "2026-04"),
        ("· web", "2026-04"),
        ("web weekly", "2026-W16"),
    ]
    by_name = {row[0]: dict(zip(TABLE_HEADER, row, strict=True)) for row in table}
    api = by_name["· api"]
    assert (api["amount"], api["actual"], api["used"], api["period gone"]) == ("$7.00", "$7.20", "103 %", "40 %")
    assert (api["overrun"], api["overrun on"], api["status"]) == ("100 %", "2026-04-12", "over budget")
    assert by_name["web weekly"]["amount"] == "40,000 cr"
