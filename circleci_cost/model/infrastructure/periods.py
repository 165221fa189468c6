"""Spreads charges for more than a day evenly over the days of their period, to the last digit.

A month's support or licence is a cost of each of its days: left on the first day, it would look like a spike on
every first of the month, and correlate with nothing.
"""

import polars as pl

from circleci_cost.model.infrastructure.columns import COST, PERIOD, SERVICE_CATEGORY
from circleci_cost.model.infrastructure.rows import DAY, GROUPED_SCHEMA, KEYS, UNTIL
from circleci_cost.model.infrastructure.values import AMOUNT

BEGINS = "begins"
COSTS_SCHEMA: dict[str, pl.DataType] = {
    BEGINS: pl.Date(),
    **{name: dtype for name, dtype in GROUPED_SCHEMA.items() if name not in (PERIOD, UNTIL, "rows")},
}


def spread(grouped: pl.DataFrame) -> pl.DataFrame:
    """Costs by day and key, `COSTS_SCHEMA`, from `rows.GROUPED_SCHEMA`.

    `begins` is the first day of a charge's period. Of n days the first i together get floor(cost × i / n), counted
    in units of 10^-22: parts differ by at most one unit, and add up to the cost exactly (cumulative rounding).
    """
    known = grouped.with_columns(pl.col(DAY).alias(BEGINS))
    single = known.filter(pl.col(DAY) == pl.col(UNTIL))
    longer = known.filter(pl.col(DAY) != pl.col(UNTIL))
    return (
        pl.concat([single.select(COSTS_SCHEMA.keys()), _parts(longer).select(COSTS_SCHEMA.keys())])
        .group_by(BEGINS, DAY, *KEYS)
        .agg(pl.col(SERVICE_CATEGORY).max(), pl.col(COST).sum())
        .select(COSTS_SCHEMA.keys())
        .sort(BEGINS, DAY, *KEYS)
    )


def _parts(longer: pl.DataFrame) -> pl.DataFrame:
    units, days, at = pl.col("units"), pl.col("days"), pl.col("at")
    # Divide first and spread the remainder separately: its product with the number of the day always fits.
    rest = units % days
    part = units // days + ((at + 1) * rest // days - at * rest // days)
    return (
        longer.with_columns(
            pl.col(COST).reinterpret(dtype=pl.Int128).alias("units"),
            ((pl.col(UNTIL) - pl.col(DAY)).dt.total_days() + 1).cast(pl.Int128).alias("days"),
        )
        .with_columns(pl.int_ranges(0, days.cast(pl.Int64)).alias("at"))
        .explode("at")
        .with_columns(at.cast(pl.Int128))
        .with_columns(
            (pl.col(DAY) + pl.duration(days=at.cast(pl.Int64))).alias(DAY), part.reinterpret(dtype=AMOUNT).alias(COST)
        )
    )
