"""Reads what moved with CI cost: the days of one pair, and what shifted around incidents. Never why it did.

All figures were computed before publication by `cost_correlations`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.correlation.cost_correlations import LARGEST_PROJECTS


@dataclass(frozen=True)
class PairDay:
    """What both series of a pair cost on a day, in USD, exactly; None where the day is not completely known."""

    day: date
    ci: Decimal | None
    infrastructure: Decimal | None


@dataclass(frozen=True)
class Shift:
    """An infrastructure series whose level changed around an incident, by `step` (0.25: a quarter more) on `day`."""

    incident_id: str
    incident: str
    kind: str
    first_day: date
    infrastructure_series: str
    day: date
    step: float
    q_value: float
    sentence: str


def pair_days(
    connection: duckdb.DuckDBPyConnection, ci_series: str, infrastructure_series: str, days: DayRange
) -> list[PairDay]:
    """The days of a pair on which one of both is known, in order: the series that `correlate` compared."""
    compared = connection.sql(sql("correlation/ci_series"), params={"projects": LARGEST_PROJECTS})
    ci = {day: cost if complete else None for day, cost, complete in _days_of(compared, ci_series, days)}
    services = connection.sql(sql("infrastructure/series"))
    infrastructure: dict[date, Decimal] = {day: cost for day, cost in _days_of(services, infrastructure_series, days)}
    return [PairDay(day, ci.get(day), infrastructure.get(day)) for day in sorted(ci.keys() | infrastructure.keys())]


def shifts(connection: duckdb.DuckDBPyConnection) -> Sequence[Shift]:
    """What shifted around the incidents there are, the newest incident first."""
    return [Shift(*row) for row in connection.execute(sql("correlation/shifts")).fetchall()]


def _days_of(series: duckdb.DuckDBPyRelation, name: str, days: DayRange) -> list[tuple[Any, ...]]:
    """The rows of one series, without its name."""
    day, value = duckdb.ColumnExpression("date"), duckdb.ConstantExpression
    chosen = series.filter(duckdb.ColumnExpression("series") == value(name))
    chosen = chosen.filter((day >= value(days.first)) & (day <= value(days.last)))
    return [tuple(row[1:]) for row in chosen.fetchall()]
