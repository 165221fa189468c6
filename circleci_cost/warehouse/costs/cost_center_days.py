"""The sums of each cost center by day, to compare them side by side.

Writing the daily costs themselves is `daily_costs`' job.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb

from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.core.transactions import transaction


@dataclass(frozen=True)
class CostCenterDay:
    """Exact sums of one cost center's day; `cost_usd` is None where none of its credits has a price."""

    day: date
    cost_center: str
    credits: Decimal
    unpriced_credits: Decimal
    cost_usd: Decimal | None


def cost_center_days(
    connection: duckdb.DuckDBPyConnection, first: date, end: date, since: datetime | None
) -> dict[date, list[CostCenterDay]]:
    """All cost centers of the days from `first` to before `end`.

    With `since`, only days of which any costs were computed then or later.
    """
    moment = since.astimezone(UTC).replace(tzinfo=None) if since else None
    with transaction(connection):
        rows = connection.execute(
            sql("costs/cost_center_days"), {"first": first, "end": end, "since": moment}
        ).fetchall()
    by_day: dict[date, list[CostCenterDay]] = {}
    for row in rows:
        by_day.setdefault(row[0], []).append(CostCenterDay(*row))
    return by_day
