"""Daily costs in a warehouse in memory, tags from plain tables, and the allocated rows to compare with."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from circleci_cost.model.allocation.definition import VirtualTag
from circleci_cost.model.allocation.plan import Plan
from circleci_cost.model.allocation.planning import prepare
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.warehouse.allocation.allocated_costs import AllocationResult, allocate
from circleci_cost.warehouse.core.transactions import transaction
from circleci_cost_tests.warehouse_tables import insert

PRICE = Decimal("0.0006")
DAY = date(2026, 1, 1)
SHARED = {"value": "shared", "where": {"project": "infra"}}
BY_PROJECT = {"value_of": "project"}
PROJECT_ROWS: list[dict[str, Any]] = [
    {"project": "web", "compute": "300", "runs": 1, "run_seconds": 30},
    {"project": "api", "compute": "100", "runs": 9, "run_seconds": 10},
    {"project": "infra", "compute": "40", "runs": 5, "run_seconds": 99},
]


def day(number: int) -> date:
    """A day of January 2026."""
    return date(2026, 1, number)


def warehouse(rows: Iterable[Mapping[str, Any]]) -> duckdb.DuckDBPyConnection:
    """A warehouse with these daily costs."""
    connection = duckdb.connect()
    fill(connection, rows)
    return connection


def fill(connection: duckdb.DuckDBPyConnection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add daily costs. A row needs nothing: what it does not say is `daily_cost`'s."""
    with transaction(connection):
        insert(connection, "daily_costs", [daily_cost(row) for row in rows])


def daily_cost(given: Mapping[str, Any]) -> dict[str, Any]:
    """A daily cost; credits by charge type, `price` None leaves it unpriced."""
    price = given.get("price", PRICE)
    charges = {name: Decimal(given.get(name, 0)) for name in CHARGE_TYPES}
    total = sum(charges.values(), start=Decimal(0))
    project = given.get("project", "web")
    row: dict[str, Any] = {
        "date": given.get("date", DAY),
        "cost_center": given.get("cost_center", "acme"),
        "organization_id": f"id of {given.get('organization', 'acme')}",
        "organization": given.get("organization", "acme"),
        "project_id": given.get("project_id", f"id of {project}"),
        "project": project,
        "workflow": given.get("workflow", "build"),
        "job": given.get("job", "test"),
        "branch": given.get("branch"),
        "resource_class": given.get("resource_class", "medium"),
        "build_status": given.get("build_status"),
        "jobs": given.get("jobs", 1),
        "runs": given.get("runs", 1),
        "run_seconds": given.get("run_seconds", 60),
        "price_per_credit": price,
        "credits": total,
        "cost_usd": None if price is None else total * price,
    }
    for name, credits in charges.items():
        row[f"{name}_credits"] = credits
        row[f"{name}_cost_usd"] = None if price is None else credits * price
    return row


def plan(*tags: Mapping[str, Any], folder: Path | None = None) -> Plan:
    """The plan of some tags, whose files are in a folder."""
    return prepare([VirtualTag.model_validate(tag) for tag in tags], lambda file: (folder or Path()) / file)


def team(*rules: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The tag `team` with some rules."""
    return {"name": "team", "rules": list(rules), **more}


def shared_split(**more: Any) -> dict[str, Any]:
    """A split of what `SHARED` gives its value."""
    return {"value": "shared", **more}


def run(
    rows: Iterable[Mapping[str, Any]], *tags: Mapping[str, Any], folder: Path | None = None
) -> tuple[duckdb.DuckDBPyConnection, AllocationResult]:
    """Allocate some daily costs by some tags."""
    connection = warehouse(rows)
    return connection, allocate(connection, plan(*tags, folder=folder))


def selected(connection: duckdb.DuckDBPyConnection, columns: str, where: str = "true") -> list[tuple[Any, ...]]:
    """Columns of the allocated rows, in the order of these columns."""
    query = f"SELECT {columns} FROM allocated_costs WHERE {where} ORDER BY ALL"
    return connection.execute(query).fetchall()


def credits_by_value(connection: duckdb.DuckDBPyConnection, tag: str = "team") -> dict[str, str]:
    """The credits of each value of a tag, without closing zeros; values of which nothing is left are left out."""
    query = (
        "SELECT value, sum(credits) FROM allocated_costs WHERE tag = $tag GROUP BY value HAVING sum(credits) <> 0 "
        "ORDER BY value"
    )
    rows = connection.execute(query, {"tag": tag}).fetchall()
    return {value: f"{credits.normalize():f}" for value, credits in rows}
