"""Seats as rows of their own: CircleCI books them on the row of some job that has nothing to do with them.

The driver `user` shows the share of seats in a change; computing it is `effects`' job.
"""

import polars as pl

from circleci_cost.model.drivers.leaves import CLASSES, FINER
from circleci_cost.model.usage.dimensions import HIERARCHY

SEATS = "(seats)"

# Seats belong to the organization; the levels below only say where CircleCI booked them.
_BELOW = (*HIERARCHY[2:], *CLASSES, *FINER)


def seats_apart(rows: pl.DataFrame) -> pl.DataFrame:
    """Move seats out of the rows of daily costs on which they are booked, into rows of their own.

    In: rows as `decomposition.decompose` takes them. Out: the same columns and sums; in the rows of the seats the
    columns below the organization are `SEATS`. Rows without charge types stay as they are.
    """
    if "user_cost_usd" not in rows.columns or "user_credits" not in rows.columns:
        return rows
    seats, cost = pl.col("user_credits").fill_null(0), pl.col("user_cost_usd").fill_null(0)
    booked = rows.filter(seats != 0)
    places = [name for name in _BELOW if name in rows.columns]
    others = [
        name
        for name in rows.columns
        if name.endswith(("_credits", "_cost_usd")) and name not in {"user_credits", "user_cost_usd"}
    ]
    own = booked.with_columns(
        *(pl.lit(SEATS).alias(name) for name in places),
        *(pl.lit(0).cast(rows.schema[name]).alias(name) for name in ("runs", "run_seconds", *others)),
        credits=seats,
        cost_usd=pl.when(pl.col("cost_usd").is_not_null()).then(cost),
    )
    without = rows.with_columns(
        credits=pl.col("credits") - seats,
        cost_usd=pl.col("cost_usd") - cost,
        user_credits=pl.lit(0).cast(rows.schema["user_credits"]),
        user_cost_usd=pl.when(pl.col("user_cost_usd").is_not_null()).then(0).cast(rows.schema["user_cost_usd"]),
    )
    return pl.concat([without, own.select(without.columns).cast(without.schema)])
