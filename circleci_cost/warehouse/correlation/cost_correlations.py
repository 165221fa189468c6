"""Writes `cost_correlations` and `incident_services`, and reads them.

Comparing costs, and finding what shifted around a day, is `model.correlation`'s job; infrastructure costs and incidents
must have been written before.
"""

from dataclasses import dataclass

import duckdb
import polars as pl

from circleci_cost.model.correlation.correlation import SCHEMA, CorrelationSettings, correlate
from circleci_cost.model.correlation.event_study import EventStudySettings, event_studies
from circleci_cost.warehouse.core.full_refresh import replace_rows
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import make_tables, transaction

CORRELATIONS, INCIDENT_SERVICES = "cost_correlations", "incident_services"
# Projects beyond these cost little, and every pair makes it harder for the others to stand out from chance.
LARGEST_PROJECTS = 50
_SERVICE = "infrastructure_series"


@dataclass(frozen=True)
class CorrelationSummary:
    """What was written: `pairs` (`correlation.SCHEMA`), and the infrastructure series that were compared or not."""

    ci_series: int
    infrastructure_series: int
    pairs: pl.DataFrame

    @property
    def tested(self) -> int:
        """How many pairs could be compared."""
        return int(self.pairs.get_column("p_value").count())

    @property
    def significant(self) -> pl.DataFrame:
        """The pairs that are reported as findings, the surest first."""
        return self.pairs.filter("significant").sort("q_value", "p_value", "infrastructure_series", "ci_series")

    @property
    def too_short(self) -> float | None:
        """The share of the infrastructure series that could be compared with no CI series; None without any."""
        if not self.infrastructure_series:
            return None
        compared = self.pairs.filter(pl.col("p_value").is_not_null()).get_column(_SERVICE).n_unique()
        return 1 - compared / self.infrastructure_series


def ci_series(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The daily compute cost in USD of each cost center and organization and of the dearest projects.

    Out: `series` ('cost_center=acme', 'organization=acme', 'project=acme/web'), `date`, `cost` (exact), `complete`.
    Seats, storage, network and other charges are left out: they follow no usage of the day. Series that are the same
    on all days appear once.
    """
    series: pl.DataFrame = connection.sql(sql("correlation/ci_series"), params={"projects": LARGEST_PROJECTS}).pl()
    return series


def write_correlations(
    connection: duckdb.DuckDBPyConnection, infrastructure: pl.DataFrame, settings: CorrelationSettings
) -> CorrelationSummary:
    """Replace `cost_correlations` in one transaction; without costs of both kinds it is empty.

    In: the warehouse's connection with `daily_costs` and `usage_days`; `infrastructure` as
    `warehouse.infrastructure.infrastructure_costs.infrastructure_series` gives it: `series`, `date`, `cost`.
    """
    make_tables(connection)
    ci = ci_series(connection)
    pairs = correlate(ci, infrastructure, settings)
    with transaction(connection):
        replace_rows(connection, {CORRELATIONS: pairs})
    return CorrelationSummary(ci.get_column("series").n_unique(), infrastructure.get_column("series").n_unique(), pairs)


def write_incident_services(
    connection: duckdb.DuckDBPyConnection,
    incidents: pl.DataFrame,
    infrastructure: pl.DataFrame,
    settings: EventStudySettings,
) -> pl.DataFrame:
    """Replace `incident_services` in one transaction, and return its rows.

    In: `incidents` [incident] with `incident_id` and `first_day`; `infrastructure` as for `write_correlations`. Only
    series that shifted are kept, the surest first.
    """
    events = incidents.select(pl.col("incident_id").cast(pl.String), event=pl.col("first_day").cast(pl.Date))
    studies = event_studies(infrastructure, events.get_column("event").unique().sort().to_list(), settings)
    rows = (
        events.join(studies.filter("significant"), on="event")
        .rename({"series": _SERVICE})
        .select("incident_id", _SERVICE, "date", "step", "p_value", "q_value", "sentence")
        .sort("incident_id", "q_value", _SERVICE)
    )
    with transaction(connection):
        replace_rows(connection, {INCIDENT_SERVICES: rows})
    return rows


def read_correlations(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """All pairs, `correlation.SCHEMA`: findings first, the surest at the top; those that were not compared last."""
    pairs: pl.DataFrame = connection.sql(sql("correlation/pairs")).pl()
    return pairs.cast(SCHEMA)


def read_incident_services(connection: duckdb.DuckDBPyConnection, incident_id: str) -> pl.DataFrame:
    """What shifted around one incident: `infrastructure_series`, `date`, `step`, `p_value`, `q_value`, `sentence`."""
    services: pl.DataFrame = connection.sql(sql("correlation/incident"), params={"incident_id": incident_id}).pl()
    return services
