"""What an export itself shows of the rates, and which rates are used where it disagrees with the table.

The table is `rates`' job; adding up the runs is `warehouse.efficiency.class_usage`'s.
"""

import polars as pl

from circleci_cost.model.efficiency.rates import RATE, RATES_SCHEMA, RUNNER, family

# Credits are rounded up to whole ones for each run; its mean is taken off again.
_ROUNDED_UP = 0.5
# On a real export, runs of a minute and more show each rate to 0.4 % or better.
TOLERANCE = 0.03
# Fewer runs show how they were rounded rather than the rate.
FEWEST_RUNS, FEWEST_MINUTES = 20, 30
IN_USE_SCHEMA: dict[str, pl.DataType] = {
    **RATES_SCHEMA,
    "observed": pl.Float64(),
    "table": RATE,
    "disagrees": pl.Boolean(),
}


def rates_in_use(rates: pl.DataFrame, runs: pl.DataFrame) -> pl.DataFrame:
    """The rates to calculate with, `IN_USE_SCHEMA` [executor × class].

    In: `rates` as `rates.rates_on` gives them, `runs` [executor × class] with the number, `seconds` and `credits` of
    recent runs of one container that took a minute or more. What CircleCI charges is the truth: an observed rate takes
    the place of a shipped one that disagrees (`source` is `observed`) and of one that is missing. A configured rate
    stays, as it may be a contract's or one to come. `table` is the rate without the observation.
    """
    enough = (pl.col("runs") >= FEWEST_RUNS) & (pl.col("seconds") >= 60 * FEWEST_MINUTES)
    credits = pl.col("credits").cast(pl.Float64) - _ROUNDED_UP * pl.col("runs")
    observed = runs.filter(enough & (pl.col("executor") != RUNNER) & (credits > 0)).select(
        "executor", "resource_class", observed=credits * 60 / pl.col("seconds")
    )
    table = pl.col("credits_per_minute")
    off = (pl.col("observed") / table.cast(pl.Float64) - 1).abs() > TOLERANCE
    replaced = table.is_null() | (off & (pl.col("source") != "configured"))
    return (
        rates.join(observed, on=["executor", "resource_class"], how="full", coalesce=True)
        .with_columns(table=table, disagrees=off.fill_null(value=False), replaced=replaced.fill_null(value=False))
        .with_columns(
            credits_per_minute=pl.when("replaced").then(pl.col("observed").round(1).cast(RATE)).otherwise(table),
            source=pl.when("replaced").then(pl.lit("observed")).otherwise("source"),
            family=pl.coalesce("family", family()),
            generation=pl.col("generation").fill_null(1),
        )
        .sort("executor", "resource_class")
        .select(IN_USE_SCHEMA.keys())
    )


def disagreements(rates: pl.DataFrame) -> list[str]:
    """A sentence for each rate that the export contradicts, and which of the two is used."""
    rows = rates.filter("disagrees").select("executor", "resource_class", "observed", "table", "source").iter_rows()
    return [
        f"{executor} {name} costs {observed:.1f} credits a minute in the export, {table.normalize():f} in the table; "
        + ("the configured rate is used" if source == "configured" else "the export's is used")
        for executor, name, observed, table, source in rows
    ]
