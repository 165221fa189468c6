"""Reads published infrastructure costs: what services cost, how far each source reaches, which files it rests on.

Writing them is `infrastructure_costs`' job.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.reporting.report import Granularity
from circleci_cost.warehouse.core.statements import sql


@dataclass(frozen=True)
class ServiceCost:
    """The exact cost of a service in USD; `period` is its first day, None for all days together."""

    period: date | None
    source: str
    provider: str
    service: str
    cost: Decimal

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells services apart."""
        return self.source, self.provider, self.service


@dataclass(frozen=True)
class SourceDays:
    """How far the costs of a source reach; its `newest` day may still grow."""

    source: str
    first: date
    newest: date | None

    @property
    def last(self) -> date | None:
        """The last day that does not grow any more."""
        return self.newest - timedelta(days=1) if self.newest else None


@dataclass(frozen=True)
class ReadFile:
    """A file as it was read last: how many of its rows count, and which days its charges begin on."""

    source: str
    path: str
    rows: int
    left_out: int
    spread: int
    first: date | None
    last: date | None
    read_at: datetime


def service_costs(
    connection: duckdb.DuckDBPyConnection, days: DayRange, granularity: Granularity | None = None
) -> list[ServiceCost]:
    """The costs of some days by service, and by period where there is a granularity; the largest of a period first."""
    parameters = {"first": days.first, "last": days.last, "granularity": str(granularity or "")}
    rows = connection.execute(sql("infrastructure/services"), parameters).fetchall()
    return [ServiceCost(*row) for row in rows]


def source_days(connection: duckdb.DuckDBPyConnection) -> Sequence[SourceDays]:
    """The sources that have costs."""
    return [SourceDays(*row) for row in connection.execute(sql("infrastructure/sources")).fetchall()]


def read_files(connection: duckdb.DuckDBPyConnection) -> Sequence[ReadFile]:
    """The present files of all sources."""
    rows = connection.execute(sql("infrastructure/files")).fetchall()
    # The warehouse keeps moments in UTC, without saying so.
    return [replace(file, read_at=file.read_at.replace(tzinfo=UTC)) for file in (ReadFile(*row) for row in rows)]
