"""The columns that rows of earlier versions lack, and their values there.

Supplying them to a query is for `warehouse.tables.supplied_columns`.
"""

from collections.abc import Collection

from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.model.usage.dimensions import COMPUTED_DIMENSIONS, STORED_DIMENSIONS

_KEYS = {dimension.name for dimension in STORED_DIMENSIONS}
# Without a part of their key, job runs are not found in rows: this column says that `reprice` is to make them again.
UNFILLED = "superseded_jobs"
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


def lacks_key(table: str, missing: Collection[str]) -> bool:
    """Whether rows of a table without these columns are not told apart as job runs are."""
    return table == "daily_costs" and not _KEYS.isdisjoint(missing)
