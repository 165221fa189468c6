"""Reads what anomalies are found in: the judged days of an incident's series, and which series are watched.

Judging days is `model.anomalies`' job, the incidents themselves `incidents`'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from circleci_cost.warehouse.core.statements import one_row, sql

_NAMES = (
    "series_kind",
    "cost_center",
    "organization",
    "project",
    "workflow",
    "job",
    "charge_type",
    "tag",
    "tag_value",
)


@dataclass(frozen=True)
class JudgedDay:
    """A day of a series: its exact cost in USD, and the range that was expected; None where it could not be judged."""

    date: date
    value: Decimal | None
    expected: Decimal | None
    lower: Decimal | None
    upper: Decimal | None
    is_anomaly: bool
    kind: str | None
    note: str | None


def unjudged_day(day: date, cost: Decimal | None) -> JudgedDay:
    """A day of which only the cost is known; None is none."""
    return JudgedDay(day, cost or Decimal(0), None, None, None, is_anomaly=False, kind=None, note=None)


@dataclass(frozen=True)
class Watched:
    """How many series are judged, and the first complete day; None without one."""

    series: int
    since: date | None


def read_course(connection: duckdb.DuckDBPyConnection, incident: Mapping[str, Any]) -> Sequence[JudgedDay]:
    """The judged days of the series of an incident (a row of `anomaly_incidents`), the oldest first."""
    names = {name: incident[name] for name in _NAMES}
    return [JudgedDay(*row) for row in connection.execute(sql("incidents/course"), names).fetchall()]


def read_watched(connection: duckdb.DuckDBPyConnection) -> Watched:
    """What is watched for anomalies."""
    return Watched(*one_row(connection, sql("incidents/watched")))


def watched_organizations(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The names of the organizations that are watched."""
    return [name for (name,) in connection.execute(sql("incidents/organizations")).fetchall()]
