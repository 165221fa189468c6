"""Usage with an incident, and what the assets `cost_anomalies` and `anomaly_drivers` make of it, published."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from circleci_cost.lake.layout import open_lake
from circleci_cost.model.anomalies.definition import DEFAULTS
from circleci_cost.model.calendar.definition import DEFAULT_CALENDAR
from circleci_cost.model.correlation.event_study import EventStudySettings
from circleci_cost.model.incidents.decisions import NO_DECISIONS
from circleci_cost.model.usage import restatements
from circleci_cost.warehouse.anomalies.cost_anomalies import write_anomalies
from circleci_cost.warehouse.incidents.explanations import write_explanations
from circleci_cost.warehouse.infrastructure.infrastructure_costs import infrastructure_series
from circleci_cost_tests.cli.harness import make_once, publish_rows
from circleci_cost_tests.warehouse_tables import publish_tables, tables_to_publish

FIRST = date(2026, 2, 2)
LAST = FIRST + timedelta(days=59)
SHIFT = LAST - timedelta(days=3)


def usage(project: str) -> Iterable[dict[str, Any]]:
    """Sixty days of two projects; the one that is named takes five times as much since four days."""
    for number in range(60):
        day = FIRST + timedelta(days=number)
        busy = 5 if day >= SHIFT else 1
        yield {"date": day, "project": project, "compute": 20_000 * busy + 100 * (number % 3), "runs": 40 * busy}
        yield {"date": day, "project": "docs", "compute": 30_000 + 100 * (number % 4), "runs": 60}


def publish_incidents(folder: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Publish usage in the folder's data directory, with its incidents and their reasons."""
    used = list(rows)
    make_once(folder / "data", ("incidents", used), lambda: _publish_incidents(folder, used))


def _publish_incidents(folder: Path, rows: list[dict[str, Any]]) -> None:
    publish_rows(folder / "data", rows)
    lake = open_lake(folder / "data")
    with tables_to_publish(lake) as connection:
        write_anomalies(connection, DEFAULTS, DEFAULT_CALENDAR, NO_DECISIONS)
        write_explanations(connection, lake, infrastructure_series(connection), EventStudySettings())
        publish_tables(connection, lake, pl.DataFrame(schema=restatements.SCHEMA), datetime.now(UTC))
