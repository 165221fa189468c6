"""A small data folder with daily costs, allocated by the folder's own configuration, and published.

It is made by the functions that the assets call; days are complete. The demo is made by `demo`.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from circleci_cost.clock import ManualClock
from circleci_cost.config.settings import Settings, read_settings
from circleci_cost.lake.infrastructure import read_sources
from circleci_cost.lake.infrastructure_state import read_state, write_state
from circleci_cost.lake.layout import open_lake
from circleci_cost.model.allocation.planning import prepare_usable
from circleci_cost.model.correlation.correlation import CorrelationSettings
from circleci_cost.model.correlation.event_study import EventStudySettings
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.allocation.allocated_costs import allocate
from circleci_cost.warehouse.correlation.cost_correlations import write_correlations, write_incident_services
from circleci_cost.warehouse.efficiency.waste import write_waste
from circleci_cost.warehouse.infrastructure.infrastructure_costs import (
    infrastructure_series,
    next_state,
    write_infrastructure,
)
from circleci_cost_tests.explorer.moment import NOW
from circleci_cost_tests.warehouse.allocation.builders import fill
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

CONFIGURATION = """\
history_start = 2026-01-01
[[cost_centers]]
name = "acme"
organization_id = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"
[[cost_centers.pricing]]
price_per_credit = 0.0006
effective_from = 2020-01-01
"""
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=cmd|' /C calc'!A0",
    "\u202egnp.exe",
    "{{7*7}}",
    "</script><!--",
    "long " * 60,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 é & ü",
)
# What an incident has to have, whatever it is about.
_INCIDENT = {
    "series_kind": "project",
    "kind": "level_shift",
    "direction": "up",
    "status": "ended",
    **dict.fromkeys(("actual_usd", "expected_usd", "impact_usd", "impact_usd_per_day", "told_usd_per_day"), 1),
    **dict.fromkeys(("peak_usd_per_day", "score", "alarms", "series_in_alarm"), 1),
    "data_through": NOW.date(),
}


def small_folder(
    folder: Path,
    rows: Iterable[Mapping[str, Any]],
    more: str = "",
    incidents: Iterable[Mapping[str, Any]] = (),
) -> Settings:
    """Publish these daily costs in `folder`; `more` is added to its configuration. Returns the settings."""
    settings = configure(folder, more)
    lake = open_lake(settings.data_dir)
    with tables_to_publish(lake) as connection:
        fill(connection, rows)
        connection.execute(
            "INSERT OR IGNORE INTO usage_days SELECT DISTINCT cost_center, date, 0, 0, 0, 'e', date + INTERVAL 2 DAY, "
            "date + INTERVAL 2 DAY, true, true, NULL, NULL FROM daily_costs"
        )
        allocate(connection, prepare_usable(settings.virtual_tags, settings.resolve))
        write_waste(connection, lake, [center.name for center in settings.cost_centers])
        read = read_sources(settings.infrastructure, {}, settings.resolve, lake.spill, read_state(lake))
        write_state(lake, next_state(read_state(lake), read, write_infrastructure(connection, read, NOW)))
        for incident in incidents:
            row = {**_INCIDENT, "last_day": incident["first_day"], "told_on": incident["first_day"], **incident}
            names, marks = ", ".join(row), ", ".join(f"${name}" for name in row)
            connection.execute(f"INSERT INTO anomaly_incidents ({names}) VALUES ({marks})", row)
        series = infrastructure_series(connection)
        write_correlations(connection, series, CorrelationSettings())
        write_incident_services(
            connection,
            connection.sql("SELECT incident_id, first_day FROM anomaly_incidents").pl(),
            series,
            EventStudySettings(),
        )
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))
    return settings


def configure(folder: Path, more: str = "") -> Settings:
    """Write the configuration of a folder, and read it."""
    path = folder / "circleci_cost.toml"
    path.write_text(CONFIGURATION + more)
    return read_settings(path, ManualClock(NOW))
