"""Daily costs of a warehouse in memory, as the tests of budgets need them."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl

from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.warehouse.core.transactions import transaction

PRICE = Decimal("0.0006")


def warehouse(rows: Iterable[Mapping[str, Any]] = (), days: Iterable[date] = ()) -> duckdb.DuckDBPyConnection:
    """A warehouse with these daily costs; their days, and `days`, are complete for each cost center there is."""
    connection = duckdb.connect()
    costs = [daily_cost(row) for row in rows]
    with transaction(connection):
        _insert(connection, "daily_costs", costs)
    every = sorted({*days, *(row["date"] for row in costs)})
    known(connection, every, sorted({row["cost_center"] for row in costs}) or ["acme"])
    return connection


def known(
    connection: duckdb.DuckDBPyConnection, days: Iterable[date], cost_centers: Iterable[str], *, complete: bool = True
) -> None:
    """Record that the usage of these days is there."""
    rows = [
        {
            "cost_center": name,
            "date": day,
            "jobs": 0,
            "runs": 0,
            "credits": Decimal(0),
            "export_id": "e",
            "exported_at": datetime.combine(day + timedelta(days=2), time()),
            "costed_at": datetime.combine(day + timedelta(days=2), time()),
            "complete": complete,
        }
        for name in cost_centers
        for day in days
    ]
    _insert(connection, "usage_days", rows)


def allocated(connection: duckdb.DuckDBPyConnection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Allocated costs, a row each: `date`, `value`, `credits`, and what differs from the defaults."""
    costs = []
    for number, row in enumerate(rows):
        price = row.get("price", PRICE)
        credits = Decimal(row["credits"])
        costs.append(
            {
                "date": row["date"],
                **_dimensions(row),
                "charge_type": row.get("charge_type", "compute"),
                "tag": row.get("tag", "team"),
                "value": row["value"],
                "rule": "rule 1",
                "source_value": row["value"],
                "share": Decimal(1),
                "share_until": Decimal(1),
                "source_row": number,
                **dict.fromkeys(("jobs", "runs", "run_seconds"), 1),
                "credits": credits,
                "price_per_credit": price,
                "cost_usd": None if price is None else credits * price,
            }
        )
    _insert(connection, "allocated_costs", costs)


def daily_cost(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of daily_costs from its `date`, credits by charge type, dimensions and `price` (None: unpriced)."""
    price = row.get("price", PRICE)
    charges = {name: Decimal(row.get(name, 0)) for name in CHARGE_TYPES}
    total = sum(charges.values(), start=Decimal(0))
    return {
        "date": row["date"],
        **_dimensions(row),
        **dict.fromkeys(("jobs", "runs", "run_seconds"), 1),
        **{f"{name}_credits": credits for name, credits in charges.items()},
        **{f"{name}_cost_usd": None if price is None else credits * price for name, credits in charges.items()},
        "credits": total,
        "price_per_credit": price,
        "cost_usd": None if price is None else total * price,
    }


def budget(name: str = "web", **fields: object) -> Budget:
    """A budget as the configuration reads it."""
    return Budget.model_validate({"name": name, "amount": 100, **fields})


def _dimensions(row: Mapping[str, Any]) -> dict[str, Any]:
    project = row.get("project", "web")
    return {
        "cost_center": row.get("cost_center", "acme"),
        "organization_id": row.get("organization_id", "o"),
        "organization": row.get("organization", "acme"),
        "project_id": row.get("project_id", f"id of {project}"),
        "project": project,
        "branch": row.get("branch"),
        "job": row.get("job", "test"),
    }


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    types = dict(
        connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = $table", {"table": table}
        ).fetchall()
    )
    decimals = {name: pl.Decimal(38, 10) for name in rows[0] if types[name].startswith("DECIMAL")}
    decimals |= {name: pl.Decimal(38, 16) for name in rows[0] if name.endswith("_usd")}
    connection.register("new_rows", pl.DataFrame(rows, schema_overrides=decimals, infer_schema_length=None))
    connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM new_rows")
    connection.unregister("new_rows")
