"""Reads incidents from a published generation: which there are, why they came about, and whose cost they are.

Finding them is `warehouse.anomalies.cost_anomalies`' job, explaining them `explanations`'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from circleci_cost.errors import CircleciCostError
from circleci_cost.model.incidents.text import as_json
from circleci_cost.model.reporting.report import CURRENCY
from circleci_cost.model.usage.charge_types import RUN_BOUND_CHARGE_TYPES
from circleci_cost.model.usage.conditions import Conditions
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, HIERARCHY
from circleci_cost.text.amounts import credits_text
from circleci_cost.warehouse.core.conditions import Parameters
from circleci_cost.warehouse.core.cost_rows import VALUE, make_view, rows_for
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.correlation.cost_correlations import read_incident_services
from circleci_cost.warehouse.incidents.drivers import read_drivers
from circleci_cost.warehouse.publishing.generations import Generation

INCIDENTS = "anomaly_incidents"
_BEFORE = timedelta(days=28)


@dataclass(frozen=True)
class IncidentReason:
    """Why an incident came about: the `sentence` of its drivers, the largest `effects` (where, driver, USD), links.

    `services` are sentences about infrastructure that shifted around it. All are empty where nothing is known.
    """

    sentence: str | None
    effects: tuple[tuple[str, str, Decimal], ...]
    example_urls: tuple[str, ...]
    services: tuple[str, ...]


def require_incidents(generation: Generation) -> None:
    """Raise `CircleciCostError` where the generation is of a version that looked for no anomalies."""
    if INCIDENTS not in generation.manifest.rows:
        raise CircleciCostError(f"No anomalies are published yet; {generation.how_to_publish}.")


def read_incidents(connection: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """All rows of `anomaly_incidents`, those whose last day is the newest first."""
    incidents: pl.DataFrame = connection.sql("SELECT * FROM anomaly_incidents ORDER BY last_day DESC, incident_id").pl()
    return incidents


def read_reason(connection: duckdb.DuckDBPyConnection, incident_id: str, most: int) -> IncidentReason:
    """Why one incident came about, with at most so many effects."""
    drivers = read_drivers(connection, incident_id)
    services = read_incident_services(connection, incident_id).get_column("sentence").to_list()
    if drivers is None:
        return IncidentReason(None, (), (), tuple(services))
    effects = [(effect.where, effect.driver, effect.effect_usd) for effect in drivers.effects]
    return IncidentReason(drivers.sentence, tuple(effects[:most]), drivers.example_urls, tuple(services))


def incidents_json(generation: Generation, rows: Sequence[dict[str, Any]]) -> dict[str, object]:
    """The incidents in the form of `anomalies --json`."""
    return {
        "data_through": generation.manifest.data_through_text,
        "currency": CURRENCY,
        "incidents": [as_json(row) for row in rows],
    }


def incident_json(row: dict[str, Any], reason: IncidentReason) -> dict[str, object]:
    """One incident in the form of `anomalies --incident ID --json`."""
    return {
        **as_json(row),
        "why": reason.sentence,
        "effects": [
            {"where": where, "driver": driver, "effect_usd": credits_text(usd)} for where, driver, usd in reason.effects
        ],
        "example_urls": list(reason.example_urls),
        "infrastructure": list(reason.services),
    }


def incident_shares(
    connection: duckdb.DuckDBPyConnection, incident: dict[str, Any], scopes: Sequence[Conditions]
) -> list[Decimal]:
    """Which share of what an incident's series cost on its days lies in each scope.

    For a cost that went down, the four weeks before it count: on its own days nothing may be left. In: a connection
    with `daily_costs` and, for scopes that ask for a virtual tag, `allocated_costs`.
    """
    return [_share(connection, incident, scope) for scope in scopes]


def _share(connection: duckdb.DuckDBPyConnection, incident: dict[str, Any], scope: Conditions) -> Decimal:
    tag = (incident["tag"],) if incident["tag"] is not None else ()
    source = rows_for([CHARGE_TYPE, *tag, *scope.dimensions])
    if tag and source.tags != tag:
        return Decimal(0)
    make_view(connection, source)
    parameters = Parameters()
    fits = source.holding(scope, parameters)
    named = {name: incident[name] for name in HIERARCHY if incident[name] is not None}
    if tag:
        named[VALUE] = incident["tag_value"]
    types = [incident["charge_type"]] if incident["charge_type"] else list(RUN_BOUND_CHARGE_TYPES)
    inside = " AND ".join(
        [
            f"list_contains({parameters.add(types)}, charge_type)",
            *(f"{name} = {parameters.add(value)}" for name, value in named.items()),
        ]
    )
    query = sql("incidents/share").format(view=source.view, scope=fits, incident=inside)
    own, whole = one_row(connection, query, {**_days(incident), "tag": source.tag, **parameters.values})
    return Decimal(own) / Decimal(whole) if whole else Decimal(0)


def _days(incident: dict[str, Any]) -> dict[str, date]:
    first: date = incident["first_day"]
    if incident["direction"] == "down":
        return {"first": first - _BEFORE, "last": first - timedelta(days=1)}
    return {"first": first, "last": incident["last_day"]}
