"""Days of which nothing but the price has changed: their rows get today's price, and their job runs are not added up.

The file of their job runs, the statements and the file of their rows are what they were when they were computed. A day
that is asked for at the price that it has is computed of its job runs, whatever its rows are.
"""

import hashlib
from collections.abc import Collection, Mapping
from datetime import date
from functools import cache
from pathlib import Path

import duckdb

from circleci_cost.assets import DAILY_COSTS
from circleci_cost.lake.layout import Lake
from circleci_cost.lake.readable import readable
from circleci_cost.model.efficiency.waste import RERUN_DAYS
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.inspection.checksums import Listed, compare
from circleci_cost.warehouse.tables.manifests import Place
from circleci_cost.warehouse.tables.schemas import schema_mark
from circleci_cost.warehouse.tables.table_sets import TABLE_SETS

_RULES = ("core/macros", "costs/dimension_names", "costs/daily_costs", "costs/engine_costs", "efficiency/superseded")


@cache
def computing_rules() -> str:
    """A mark of what computes rows of job runs, statements and DuckDB: at another one, a new price does so again."""
    texts = [*map(sql, _RULES), str(RERUN_DAYS), duckdb.__version__]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]


def days_to_reprice(
    connection: duckdb.DuckDBPyConnection, lake: Lake, cost_center: str, checksums: Mapping[date, str | None]
) -> frozenset[date]:
    """Those of the days, each with the checksum that its job runs have now, of which nothing but the price has changed.

    A month's rows are trusted where their file is what was written, byte by byte. Raises `StorageError`.
    """
    same = _at_former_prices(connection, cost_center, checksums)
    others = _other_months(lake, cost_center, {f"{day:%Y-%m}" for day in same})
    return frozenset(day for day in same if f"{day:%Y-%m}" not in others)


def still_to_reprice(
    connection: duckdb.DuckDBPyConnection, cost_center: str, checksums: Mapping[date, str | None]
) -> set[date]:
    """Those of the days for which this holds with the checksums of now, and whose rows come to what was noted."""
    same = _at_former_prices(connection, cost_center, checksums)
    parameters = {"cost_center": cost_center, "days": sorted(same)}
    return {day for (day,) in connection.execute(sql("costs/days_as_noted"), parameters).fetchall()}


def _at_former_prices(
    connection: duckdb.DuckDBPyConnection, cost_center: str, checksums: Mapping[date, str | None]
) -> set[date]:
    days = list(checksums)
    parameters = {
        "cost_center": cost_center,
        "days": days,
        "checksums": [checksums[day] for day in days],
        "rules": computing_rules(),
    }
    return {day for (day,) in connection.execute(sql("costs/days_to_reprice"), parameters).fetchall()}


def reprice_days(connection: duckdb.DuckDBPyConnection, cost_center: str, days: Collection[date]) -> None:
    """Give the rows of these days today's price and the kinds of actors that the configuration says now."""
    connection.execute(sql("costs/reprice"), {"cost_center": cost_center, "days": sorted(days)})
    connection.execute(sql("costs/rename_actors"))


def _other_months(lake: Lake, cost_center: str, months: Collection[str]) -> set[str | None]:
    """Those of the months whose file is not what was written, or has the columns of another version."""
    listed = Place(lake, TABLE_SETS[DAILY_COSTS.name], cost_center).read().of(DAILY_COSTS.name)
    files = [file for file in listed if file.month in months]
    paths = [Path(name) for name in readable((lake.root / file.path for file in files), immutable=True)]
    damaged = compare(
        {path: Listed(file.bytes, file.sha256) for path, file in zip(paths, files, strict=True)}, lambda read: None
    )
    mark = schema_mark(DAILY_COSTS.name)
    return {file.month for path, file in zip(paths, files, strict=True) if path in damaged or file.columns != mark}
