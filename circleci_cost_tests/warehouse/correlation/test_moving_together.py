"""The days of a pair, and what shifted around incidents, as pages read them."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.correlation.event_study import EventStudySettings
from circleci_cost.warehouse.correlation.cost_correlations import ci_series, write_incident_services
from circleci_cost.warehouse.correlation.moving_together import PairDay, pair_days, shifts
from circleci_cost.warehouse.infrastructure.infrastructure_costs import infrastructure_series
from circleci_cost_tests.model.infrastructure.builders import source
from circleci_cost_tests.warehouse.allocation.builders import PRICE, fill
from circleci_cost_tests.warehouse.budgets.builders import known
from circleci_cost_tests.warehouse.infrastructure.builders import Warehouse

FIRST = date(2026, 1, 1)
DAYS = [FIRST + timedelta(days=at) for at in range(4)]
ALL = DayRange(DAYS[0], DAYS[-1])


def warehouse(folder: Path) -> duckdb.DuckDBPyConnection:
    """Three days of `web`, the last of them incomplete, and the costs of a service."""
    made = Warehouse(folder)
    made.write("a.csv", "date,amount,label\n2026-01-01,1.5,s3\n2026-01-02,2.5,s3\n2026-01-04,9,s3\n")
    made.read(source(name="cloud", files="*.csv", format="simple"))
    fill(made.connection, [{"date": day, "project": "web", "compute": 100} for day in DAYS[:3]])
    known(made.connection, DAYS[:2], ["acme"])
    known(made.connection, DAYS[2:3], ["acme"], complete=False)
    return made.connection


def test_a_pair_has_the_days_that_were_compared_exactly_and_unknown_ones_empty(tmp_path: Path) -> None:
    connection = warehouse(tmp_path)
    assert pair_days(connection, "cost_center=acme", "cloud · s3", ALL) == [
        PairDay(DAYS[0], 100 * PRICE, Decimal("1.5")),
        PairDay(DAYS[1], 100 * PRICE, Decimal("2.5")),
        # CI's day is incomplete, and the service's newest day may still grow.
        PairDay(DAYS[2], None, None),
    ]
    assert set(ci_series(connection)["series"]) == {"cost_center=acme"}
    assert infrastructure_series(connection)["cost"].to_list() == [1.5, 2.5]


def test_days_outside_and_unknown_series_give_nothing(tmp_path: Path) -> None:
    connection = warehouse(tmp_path)
    assert pair_days(connection, "x' OR '1' = '1", "cloud · s3' --", ALL) == []
    assert len(pair_days(connection, "cost_center=acme", "cloud · s3", DayRange(DAYS[1], DAYS[1]))) == 1


def test_shifts_are_told_with_their_incident(tmp_path: Path) -> None:
    days = [FIRST + timedelta(days=at) for at in range(150)]
    costs = [70.0 * (1 + (at % 7) / 100) * (1.8 if at >= 100 else 1) * (1 + (at * 37 % 11) / 300) for at in range(150)]
    series = pl.DataFrame({"series": ["cloud · rds"] * 150, "date": days, "cost": costs})
    connection = warehouse(tmp_path)
    incidents = pl.DataFrame({"incident_id": ["a"], "first_day": [days[100]]})
    assert write_incident_services(connection, incidents, series, EventStudySettings()).height == 1
    # Without the incident there is nothing to show.
    assert shifts(connection) == []
    row = {
        **dict.fromkeys(("series_kind", "series", "kind", "direction", "status"), "x"),
        **dict.fromkeys(("first_day", "last_day", "told_on", "data_through"), days[100]),
        **dict.fromkeys(("actual_usd", "expected_usd", "impact_usd", "impact_usd_per_day", "told_usd_per_day"), 1),
        **dict.fromkeys(("peak_usd_per_day", "score", "alarms", "series_in_alarm"), 1),
        "incident_id": "a",
    }
    marks = ", ".join(f"${name}" for name in row)
    connection.execute(f"INSERT INTO anomaly_incidents ({', '.join(row)}) VALUES ({marks})", row)
    (shift,) = shifts(connection)
    assert (shift.incident_id, shift.incident, shift.infrastructure_series) == ("a", "x", "cloud · rds")
    assert abs((shift.day - days[100]).days) <= 2 and shift.step > 0.5
