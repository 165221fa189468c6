"""Reads the drivers of one incident from a published generation.

Taking its change apart is `anomaly_drivers`' job; `incidents` has the incident itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from circleci_cost.model.drivers.text import place_text
from circleci_cost.model.usage.dimensions import HIERARCHY
from circleci_cost.warehouse.core.statements import sql

REST = "rest"
"""The driver of an incident's last row: the residual of the change after the rows before it."""


@dataclass(frozen=True)
class Effect:
    """What one driver did to the cost of one job: the names of `HIERARCHY`, the driver, USD, its share of all."""

    place: tuple[str | None, ...]
    driver: str
    effect_usd: Decimal
    share: Decimal | None
    example_urls: tuple[str, ...]

    @property
    def where(self) -> str:
        """The place in words."""
        return place_text(dict(zip(HIERARCHY, self.place, strict=True)), HIERARCHY[1:])


@dataclass(frozen=True)
class IncidentDrivers:
    """The change of an incident in USD against the same weekdays before, and what it is due to.

    The `effects`, the largest first, and the `residual` add up to the change, to the last digit. `example_urls` are
    runs of the root cause.
    """

    before_usd: Decimal
    after_usd: Decimal
    change_usd: Decimal
    sentence: str
    example_urls: tuple[str, ...]
    effects: tuple[Effect, ...]
    residual: Decimal


def read_drivers(connection: duckdb.DuckDBPyConnection, incident_id: str) -> IncidentDrivers | None:
    """The drivers of an incident; None where there was nothing to compare it with."""
    rows = connection.sql(sql("incidents/drivers"), params={"incident_id": incident_id}).pl().to_dicts()
    if not rows:
        return None
    whole, *others = rows
    return IncidentDrivers(
        whole["before_usd"],
        whole["after_usd"],
        whole["change_usd"],
        whole["sentence"],
        tuple(whole["example_urls"]),
        tuple(_effect(row) for row in others if row["driver"] != REST),
        sum((row["effect_usd"] for row in others if row["driver"] == REST), start=Decimal(0)),
    )


def _effect(row: Mapping[str, Any]) -> Effect:
    place = tuple(row[level] for level in HIERARCHY)
    return Effect(place, row["driver"], row["effect_usd"], row["share"], tuple(row["example_urls"]))


def read_sentences(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Why each incident came about, by its id; those without anything to compare with are missing."""
    return dict(connection.execute(sql("incidents/sentences")).fetchall())
