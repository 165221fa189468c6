"""How fresh the published days of each cost center are, and what CircleCI restated in them.

In: a connection that is open on a published generation. Which days are missing is `history`'s matter.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import duckdb
import polars as pl

from circleci_cost.warehouse.core.statements import sql

RESTATEMENT_COLUMNS = (
    "cost_center",
    "date",
    "recorded_at",
    "jobs_added",
    "jobs_removed",
    "jobs_changed",
    "credits_added",
    "credits_removed",
    "credits_changed",
    "credits_change",
    "export_id",
)


@dataclass(frozen=True)
class Freshness:
    """The published days of one cost center; a former one is not `is_configured` any more.

    `complete_through` is the last day that an export holds as a whole, `settled_through` the last one before which
    CircleCI changes nothing any more. All days are None where no day was read yet.
    """

    cost_center: str
    is_configured: bool
    first_day: date | None
    complete_through: date | None
    settled_through: date | None
    exported_at: datetime | None
    days: int
    jobs: int
    runs: int
    credits: Decimal


def freshness(connection: duckdb.DuckDBPyConnection, cost_centers: Sequence[str]) -> list[Freshness]:
    """The freshness of these cost centers, and of all others that have published days."""
    rows = connection.sql(sql("reporting/freshness"), params={"cost_centers": list(cost_centers)}).pl()
    # The warehouse's times have no zone; all are UTC.
    return [Freshness(**row) for row in rows.with_columns(pl.col("exported_at").dt.replace_time_zone("UTC")).to_dicts()]


def restatements(connection: duckdb.DuckDBPyConnection, most: int | None = None) -> pl.DataFrame:
    """The restatements, the newest first, at most so many; `RESTATEMENT_COLUMNS`.

    `credits_change` is by how much the day's credits changed.
    """
    rows: pl.DataFrame = connection.sql(sql("reporting/restatements"), params={"most": most}).pl()
    return rows.select(RESTATEMENT_COLUMNS)
