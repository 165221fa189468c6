"""How far data reach: over cost centers that have none yet, that have no complete day, and that were removed."""

from collections.abc import Iterator, Sequence
from datetime import date

import duckdb
import polars as pl
import pytest

from circleci_cost.model.budgets.notes import notes
from circleci_cost.model.budgets.series import History
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost.warehouse.forecast.series import history

# The complete days; `early` has one day, which was exported too early.
DAYS = {"ahead": (1, 2, 3, 4, 5), "behind": (1, 2, 3), "early": ()}


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    values = "$name, $day, 0, 0, 0, 'e', '2026-01-09', '2026-01-09', $complete, true, NULL, NULL"
    insert = f"INSERT INTO usage_days VALUES ({values})"
    with duckdb.connect() as connection:
        with transaction(connection):
            for name, days in DAYS.items():
                for day in days or (5,):
                    connection.execute(insert, {"name": name, "day": date(2026, 1, day), "complete": bool(days)})
        yield connection


def reach(connection: duckdb.DuckDBPyConnection, configured: Sequence[str]) -> tuple[date | None, History | None]:
    connection.execute("SET VARIABLE cost_centers = CAST($names AS VARCHAR[])", {"names": configured})
    return one_row(connection, sql("publishing/published_sums"))[1], history(connection)


@pytest.mark.parametrize(
    ("configured", "published", "known", "without_data"),
    [
        (["ahead", "behind"], 3, 3, ()),
        # What is known of the others goes on; that all of it is there is not claimed.
        (["ahead", "behind", "new"], None, 3, ("new",)),
        (["ahead", "early"], None, 5, ("early",)),
        # One that was taken out of the configuration holds nothing back.
        (["ahead"], 5, 5, ()),
        (["new"], None, 5, ("new",)),
    ],
)
def test_data_reach_as_far_as_the_configured_cost_center_that_is_furthest_behind(
    connection: duckdb.DuckDBPyConnection,
    configured: list[str],
    published: int | None,
    known: int,
    without_data: tuple[str, ...],
) -> None:
    # All these days are without usage, and are there all the same.
    through, days = reach(connection, configured)
    assert through == (date(2026, 1, published) if published else None)
    assert days is not None
    assert (days.data_through, days.without_data) == (date(2026, 1, known), without_data)


def test_days_of_a_removed_cost_center_are_not_waited_for(connection: duckdb.DuckDBPyConnection) -> None:
    def complete_days(configured: list[str]) -> list[int]:
        reach(connection, configured)
        days = connection.execute(sql("anomalies/complete_days"), {"cost_center": None}).fetchall()
        return [day.day for (day,) in days]

    connection.execute("DELETE FROM usage_days WHERE cost_center = 'early'")
    assert complete_days(["ahead", "behind"]) == [1, 2, 3]
    assert complete_days(["ahead"]) == [1, 2, 3, 4, 5]
    assert reach(connection, ["ahead"])[1] == History(date(2026, 1, 1), date(2026, 1, 5))


def test_a_budget_says_whose_usage_is_not_in_it() -> None:
    row = pl.DataFrame(
        {
            "period_start": [date(2026, 1, 1)],
            "period_kind": ["month"],
            "unit": ["USD"],
            "unpriced_credits": [0],
            "is_current": [False],
            "forecast_note": [None],
            "remaining_median": [None],
        },
        schema_overrides={"forecast_note": pl.String},
    )
    known = History(date(2026, 1, 1), date(2026, 2, 1), without_data=("new", "newer"))
    assert row.select(notes(known)).item() == "no data yet of new, newer"
