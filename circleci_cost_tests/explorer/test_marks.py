"""Marks of days: what the file says, what the published tables say, and what the file of decisions says now."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from circleci_cost.config.decisions_file import decide
from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.marks import marks
from circleci_cost.lake.layout import Lake, claim
from circleci_cost.model.incidents.decision import Decision
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.core.transactions import make_tables
from circleci_cost.warehouse.costs.pricing_periods import write_prices
from circleci_cost.warehouse.publishing.generations import Generation
from circleci_cost_tests.config.test_settings import VALID, write
from circleci_cost_tests.model.incidents.incident_rows import incident
from circleci_cost_tests.warehouse_tables import publish_tables

NOW = datetime(2026, 3, 9, tzinfo=UTC)
MARCH = DayRange(date(2026, 3, 1), date(2026, 3, 31))
PRICES = [
    PricePeriod("acme", date(2025, 1, 1), date(2026, 2, 28), Decimal("0.00055")),
    PricePeriod("acme", date(2026, 3, 1), date(2026, 3, 9), Decimal("0.0006")),
    PricePeriod("acme", date(2026, 3, 10), date(2026, 3, 19), Decimal("0.0006")),
    PricePeriod("acme", date(2026, 3, 21), None, Decimal("0.0006")),
    PricePeriod("globex", date(2026, 3, 2), None, Decimal("0.0007")),
    PricePeriod("labs", date(2025, 1, 1), date(2026, 3, 31), Decimal(0)),
]


def restated(day: int, **changes: Any) -> dict[str, Any]:
    none = dict.fromkeys(("jobs_added", "jobs_removed", "jobs_changed"), 0) | dict.fromkeys(
        ("credits_added", "credits_removed", "credits_changed"), Decimal(0)
    )
    return {"cost_center": "acme", "date": date(2026, 3, day), "export_id": "e", "recorded_at": NOW} | none | changes


@pytest.fixture
def generation(tmp_path: Path) -> Generation:
    """Prices, four restated days of 1,000 credits, and an incident that begins on 4 March."""
    lake = Lake(tmp_path / "data")
    claim(lake)
    rows = [
        restated(3, jobs_added=3, credits_added=Decimal(40)),
        restated(3, jobs_removed=1, jobs_changed=2, credits_removed=Decimal(10), credits_changed=Decimal("-1.5")),
        restated(4, jobs_changed=1, credits_changed=Decimal(9)),
        restated(5, jobs_added=1, jobs_removed=1, credits_added=Decimal(500), credits_removed=Decimal(500)),
        restated(6, jobs_removed=2000, credits_removed=Decimal(1000)),
        restated(7, jobs_added=1, credits_added=Decimal(1000)),
    ]
    with duckdb.connect() as connection:
        make_tables(connection)
        write_prices(connection, PRICES, MARCH.first, MARCH.last)
        days = [["acme", date(2026, 3, day), 3, 2, 1000, "e", NOW, NOW, True, True] for day in range(1, 8)]
        connection.executemany("INSERT INTO usage_days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)", days)
        found = pl.DataFrame([incident(incident_id="57bb05f099")], infer_schema_length=None)
        connection.register("found", found)
        connection.execute("INSERT INTO anomaly_incidents BY NAME SELECT * FROM found")
        return publish_tables(connection, lake, pl.DataFrame(rows, schema=restatements.SCHEMA), NOW)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    text = '[explorer]\nannotations = "releases.csv"\n[anomalies]\ndecisions = "decisions.csv"\n'
    (tmp_path / "releases.csv").write_text("date,text\n2026-03-04,Release 4.0\n2026-04-01,later\n2026-02-28,before\n")
    return read_settings(write(tmp_path, VALID + text))


def texts(generation: Generation, settings: Settings, days: DayRange = MARCH) -> list[tuple[str, str, str]]:
    with generation.connect() as connection:
        found = marks(connection, settings, days)
    assert found.problems == []
    return [(f"{mark.date:%m-%d}", mark.kind, mark.text) for mark in found.marks]


def test_marks_of_a_month_are_those_of_files_and_tables(generation: Generation, settings: Settings) -> None:
    decide(settings, "57bb05f099", Decision("expected", "load test"))
    assert texts(generation, settings) == [
        ("03-01", "price", "acme: $0.0006 per credit"),
        ("03-03", "restatement", "restated: +28 credits (+2.9 %); 3 jobs added, 1 job removed, 2 jobs changed"),
        ("03-04", "annotation", "Release 4.0"),
        ("03-04", "decision", "acme / web: level shift up, +$15.12; decided: expected (load test)"),
        ("03-06", "restatement", "restated: -1,000 credits (-50.0 %); 2,000 jobs removed"),
        ("03-07", "restatement", "restated: +1,000 credits; 1 job added"),
        ("03-20", "price", "acme: no price"),
        ("03-21", "price", "acme: $0.0006 per credit"),
    ]


def test_only_the_asked_days_have_marks_and_a_decision_is_a_mark_at_once(
    generation: Generation, settings: Settings
) -> None:
    fourth = DayRange(date(2026, 3, 4), date(2026, 3, 4))
    assert texts(generation, settings, fourth) == [("03-04", "annotation", "Release 4.0")]
    decide(settings, "57bb05f099", Decision("ignored"))
    assert texts(generation, settings, fourth)[1:] == [
        ("03-04", "decision", "acme / web: level shift up, +$15.12; decided: ignored")
    ]
    decide(settings, "57bb05f099", None)
    assert texts(generation, settings, fourth) == [("03-04", "annotation", "Release 4.0")]
    april = DayRange(date(2026, 4, 1), date(2026, 4, 1))
    assert texts(generation, settings, april) == [
        ("04-01", "annotation", "later"),
        ("04-01", "price", "labs: no price"),
    ]


def test_without_its_files_the_tables_have_their_marks(generation: Generation, tmp_path: Path) -> None:
    plain = read_settings(write(tmp_path, VALID))
    assert {kind for _, kind, _ in texts(generation, plain)} == {"price", "restatement"}


def test_an_unreadable_file_is_reported_and_stops_no_other_mark(
    generation: Generation, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "releases.csv").write_text("date,text\nyesterday,Release\n")
    (tmp_path / "decisions.csv").write_text("")
    with generation.connect() as connection:
        found = marks(connection, settings, MARCH)
    assert [str(problem).replace(f"{tmp_path}/", "") for problem in found.problems] == [
        "annotations: releases.csv, line 2: date = yesterday: write a day as YYYY-MM-DD, such as 2026-01-31. Pages go "
        "on without annotations.",
        "anomalies: decisions.csv is empty; its first line names the columns: incident, decision. Until then the "
        "decisions that were read last stay.",
    ]
    assert {mark.kind for mark in found.marks} == {"price", "restatement"}
