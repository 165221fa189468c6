"""Adds the columns of charge types and dimensions that a table of an earlier version lacks, with their values.

Columns that are no charge type and no dimension are added by `tables.sql`.
"""

from collections.abc import Collection

import duckdb

from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.model.usage.dimensions import COMPUTED_DIMENSIONS, STORED_DIMENSIONS
from circleci_cost.warehouse.core.schema_pieces import charge_columns, dimension_columns

_KEYS = {dimension.name for dimension in STORED_DIMENSIONS}
# Without a part of their key, job runs are not found in rows: this column says that `reprice` is to make them again.
UNFILLED = "superseded_jobs"
_COLUMNS = {"daily_costs": dimension_columns() | charge_columns(), "allocated_costs": dimension_columns()}
# The values of a column in rows written without it; NULL where they are unknown. A charge type that an export did not
# have was booked as other credits then, so its own are 0.
UNWRITTEN: dict[tuple[str, str], str] = {
    ("usage_days", "complete"): "holds_whole_day(date, exported_at)",
    **{
        (table, each.name): each.of_costs()
        for table in ("daily_costs", "allocated_costs")
        for each in COMPUTED_DIMENSIONS
    },
    **{("daily_costs", f"{name}_credits"): "0" for name in CHARGE_TYPES},
    **{("daily_costs", f"{name}_cost_usd"): "price_per_credit * 0" for name in CHARGE_TYPES},
}


def add_columns(connection: duckdb.DuckDBPyConnection) -> None:
    """Add the columns that the tables lack; the caller's transaction makes it one change."""
    for table, columns in _COLUMNS.items():
        present = set(connection.sql(f"FROM {table}").columns)
        missing = {name: kind.removesuffix(" NOT NULL") for name, kind in columns.items() if name not in present}
        for name, kind in missing.items():
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")
            if lacks_key(table, [name]):
                connection.execute(f"UPDATE {table} SET {UNFILLED} = NULL")  # noqa: S608 - our names
            if (table, name) in UNWRITTEN:
                connection.execute(f"UPDATE {table} SET {name} = {UNWRITTEN[table, name]}")  # noqa: S608 - our names


def lacks_key(table: str, missing: Collection[str]) -> bool:
    """Whether rows of a table without these columns are not told apart as job runs are."""
    return table == "daily_costs" and not _KEYS.isdisjoint(missing)
