"""Which notices about credits are due after a publication; `credit_events` words them."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import duckdb
import polars as pl

from circleci_cost.model.credits.findings import WARNED_DAYS, say_run_out
from circleci_cost.notify.credit_events import builds_may_stop, credits_expiring, credits_low
from circleci_cost.notify.messages import Notice
from circleci_cost.warehouse.credits.published_credits import newest_lots, published_outlook, upcoming_expiries
from circleci_cost.warehouse.publishing.generations import Generation

# A purchase order can be speeded up within a week, hardly within a day.
_STOP_AHEAD = timedelta(days=7)
# A message about cents costs more than they do.
_LEAST_USD = Decimal(1)


def credit_notices(connection: duckdb.DuckDBPyConnection, generation: Generation, today: date) -> Iterator[Notice]:
    """The notices that are due on a day; the outbox drops repeated ones."""
    outlook = published_outlook(connection, generation)
    if outlook.is_empty():
        return
    newest = newest_lots(connection)
    soon = today + timedelta(days=WARNED_DAYS)
    for row in outlook.iter_rows(named=True):
        earliest = row["runs_out_earliest"]
        if earliest is None or row["cost_center"] not in newest:
            continue
        if earliest <= soon:
            yield credits_low(row, newest[row["cost_center"]])
        if earliest <= today + _STOP_AHEAD and not row["auto_refill"]:
            yield builds_may_stop(row, newest[row["cost_center"]])
    for name, day, credits, usd in upcoming_expiries(connection, soon):
        if usd >= _LEAST_USD:
            yield credits_expiring(name, day, credits, usd)


def credit_sentences(connection: duckdb.DuckDBPyConnection, generation: Generation) -> list[str]:
    """How long the credits of each cost center last, for the digest of those who look at everything."""
    outlook = published_outlook(connection, generation)
    known = outlook.filter(pl.col("credits_per_day").is_not_null())
    return [f"{row['cost_center']}: {say_run_out(row)}." for row in known.iter_rows(named=True)]
