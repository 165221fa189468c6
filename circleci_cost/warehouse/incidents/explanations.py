"""Writes why each incident came about: its drivers, and the infrastructure services that shifted around it.

Taking a change apart is `anomaly_drivers`' job, finding what shifted around a day `warehouse.correlation`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import polars as pl

from circleci_cost.lake.layout import Lake
from circleci_cost.model.calendar.special_days import special_days
from circleci_cost.model.correlation.event_study import EventStudySettings
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import make_tables
from circleci_cost.warehouse.correlation.cost_correlations import write_incident_services
from circleci_cost.warehouse.incidents.anomaly_drivers import write_anomaly_drivers

# `circleci-cost explain` explains older ones.
MOST_INCIDENTS = 300
_COMPARED_WITH = timedelta(days=70)


@dataclass(frozen=True)
class ExplanationSummary:
    """What was written: `drivers` counts rows, `services` those that shifted around an incident.

    `explained` has a row per incident, the newest first: `incident_id`, `series`, `series_kind`, `charge_type`,
    `first_day`, `status`, `impact_usd`, and the `sentence` that says why it came about.
    """

    drivers: int
    services: int
    explained: pl.DataFrame


def write_explanations(
    connection: duckdb.DuckDBPyConnection, lake: Lake, infrastructure: pl.DataFrame, study: EventStudySettings
) -> ExplanationSummary:
    """Replace `anomaly_drivers` and `incident_services`, after `warehouse.anomalies.cost_anomalies.write_anomalies`.

    In: the warehouse's connection; `infrastructure` as `infrastructure_series` gives it; the lake for example runs;
    `study` with the calendar. Only the newest `MOST_INCIDENTS` are explained.
    """
    make_tables(connection)
    incidents = connection.sql(sql("incidents/to_explain"), params={"most": MOST_INCIDENTS}).pl()
    drivers = write_anomaly_drivers(connection, incidents, lake, _days_off(incidents, study))
    services = write_incident_services(connection, incidents.select("incident_id", "first_day"), infrastructure, study)
    explained: pl.DataFrame = connection.sql(sql("incidents/explained")).pl()
    return ExplanationSummary(drivers, services.height, explained)


def _days_off(incidents: pl.DataFrame, study: EventStudySettings) -> Sequence[date]:
    """The holidays and closures of the incidents and of the weeks that they are compared with."""
    if not incidents.height:
        return ()
    first, last = incidents.select(pl.col("first_day").min(), pl.col("last_day").max()).row(0)
    special = special_days(first - _COMPARED_WITH, last, study.calendar)
    days: list[date] = special.get_column("date").to_list()
    return days
