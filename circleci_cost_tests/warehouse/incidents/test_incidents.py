"""Whose an incident is, and why it came about, read from real tables."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from circleci_cost.config.notifications import NotificationOwner
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.correlation.event_study import EventStudySettings
from circleci_cost.model.usage.conditions import Conditions
from circleci_cost.warehouse.incidents.explanations import write_explanations
from circleci_cost.warehouse.incidents.incidents import incident_shares, read_incidents, read_reason
from circleci_cost_tests.model.incidents.incident_rows import ROW, incident
from circleci_cost_tests.warehouse.budgets.builders import allocated, warehouse

FIRST, LAST = ROW["first_day"], ROW["last_day"]
DAYS = [FIRST + timedelta(days=number) for number in range(-35, 3)]
NO_SERVICES = pl.DataFrame(schema={"series": pl.String, "date": pl.Date, "cost": pl.Float64})


def owned(**where: Any) -> Conditions:
    """The scope of an owner, as the configuration writes it."""
    owner = NotificationOwner.model_validate({"name": "w", "channels": ["web"], "where": where})
    return owner.where


def table(*rows: dict[str, Any], daily: list[dict[str, Any]] | None = None) -> duckdb.DuckDBPyConnection:
    """Three projects, of which web has tripled; and these incidents."""
    usual = {"web": 100, "api": 50, "docs": 50}
    costs = [
        {
            "date": day,
            "project": name,
            "compute": compute * (3 if name == "web" and day >= FIRST else 1),
        }
        for day in DAYS
        for name, compute in usual.items()
    ]
    connection = warehouse([*costs, {"date": FIRST, "project": "docs", "user": 25_000}] if daily is None else daily)
    wide = {name: pl.Decimal(38, 16) for name, value in ROW.items() if isinstance(value, Decimal)}
    frame = pl.DataFrame(rows, schema_overrides=wide, infer_schema_length=None)
    connection.register("frame", frame)
    connection.execute("INSERT INTO anomaly_incidents BY NAME SELECT * FROM frame")
    return connection


def test_a_scope_has_its_share_of_what_the_series_cost_on_the_days_of_the_incident() -> None:
    row = incident(project=None, series_kind="organization", series="acme")
    scopes = [
        owned(project="web"),
        owned(project=["web", "api"]),
        owned(project="nobody's"),
        owned(organization="acme"),
    ]
    # 300 of 400 credits a day; the seats are no part of what runs cost.
    assert incident_shares(table(row), row, scopes) == [Decimal("0.75"), Decimal("0.875"), 0, 1]


def test_for_a_cost_that_went_down_the_weeks_before_count() -> None:
    row = incident(project=None, direction="down", kind="outage")
    (share,) = incident_shares(table(row), row, [owned(project="web")])
    assert share == Decimal("0.5")


def test_seats_are_shared_by_their_own_cost() -> None:
    row = incident(project=None, charge_type="user", series_kind="charge_type", series="acme / user")
    assert incident_shares(table(row), row, [owned(project="docs"), owned(project="web")]) == [1, 0]


def test_an_incident_of_a_team_is_the_teams_alone() -> None:
    row = incident(project=None, cost_center=None, organization=None, series_kind="tag", tag="team", tag_value="blue")
    connection = table(row)
    allocated(connection, [{"date": FIRST, "value": value, "credits": 10} for value in ("blue", "red")])
    assert incident_shares(connection, row, [owned(team="blue"), owned(team="red"), owned(stage="prod")]) == [1, 0, 0]


def test_a_team_has_its_share_of_an_incident_of_the_hierarchy() -> None:
    row = incident()
    connection = table(row)
    costs = (("blue", 30), ("red", 10))
    allocated(
        connection, [{"date": FIRST, "project": "web", "value": value, "credits": credits} for value, credits in costs]
    )
    assert incident_shares(connection, row, [owned(team="blue")]) == [Decimal("0.75")]


def test_an_incident_whose_series_cost_nothing_belongs_to_nobody() -> None:
    row = incident(project="gone")
    assert incident_shares(table(row), row, [owned(organization="acme")]) == [0]


def test_the_reason_names_places_and_effects_that_add_up_and_a_price_has_none(tmp_path: Path) -> None:
    price = incident(incident_id="price", kind="price_change", project=None)
    connection = table(incident(), price)
    summary = write_explanations(connection, open_lake(tmp_path), NO_SERVICES, EventStudySettings())
    reason = read_reason(connection, ROW["incident_id"], most=3)
    # 200 credits more on each of three days.
    change = 3 * 200 * Decimal("0.0006")
    assert reason.sentence is not None
    assert reason.sentence.startswith("+$0.36 (+200 %)")
    assert sum(effect for *_, effect in reason.effects) == change
    assert {place for place, *_ in reason.effects} == {"organization acme, project web, workflow (none), job test"}
    assert (reason.example_urls, reason.services) == ((), ())
    assert summary.explained.get_column("incident_id").to_list() == [ROW["incident_id"], "price"]
    nothing = read_reason(connection, "price", most=3)
    assert (nothing.sentence, nothing.effects, nothing.example_urls, nothing.services) == (None, (), (), ())


def test_at_most_so_many_effects_are_read(tmp_path: Path) -> None:
    connection = table(incident(project=None))
    write_explanations(connection, open_lake(tmp_path), NO_SERVICES, EventStudySettings())
    assert len(read_reason(connection, ROW["incident_id"], most=1).effects) == 1


@pytest.mark.parametrize("last_days", [(1, 2, 3), (3, 1, 2)])
def test_the_newest_incident_is_read_first(last_days: tuple[int, ...]) -> None:
    rows = [incident(incident_id=f"i{number}", last_day=date(2026, 3, 4 + number)) for number in last_days]
    assert read_incidents(table(*rows)).get_column("incident_id").to_list() == ["i3", "i2", "i1"]
