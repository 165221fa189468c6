"""The measures that are judged for a series besides its cost: credits, runs, and rates that explain a change of cost.

Only frames are built here; `detection` judges them.
"""

import polars as pl

RATES = {
    "credits_per_run": ("credits", "runs"),
    "minutes_per_run": ("run_minutes", "runs"),
    "credits_per_minute": ("credits", "run_minutes"),
}
MEASURES = ("cost", "credits", "runs", *RATES)


def measured(daily: pl.DataFrame, measure: str) -> pl.DataFrame:
    """Return a measure's daily series in the form that `detection.detect` takes.

    In: `series`, `date`, `cost` (USD), `credits`, `credits_squared` (sum over runs; null where not known), `runs`,
    `run_seconds`, all floats; null means not known. Out: `series`, `date`, `cost` (in the unit of the measure),
    `complete`, and those of `credits`, `runs` and `cost_squared` that are known. A rate is not known on a day
    without runs.
    """
    if measure in RATES:
        over, under = RATES[measure]
        with_minutes = daily.with_columns((pl.col("run_seconds") / 60).alias("run_minutes"))
        known = (pl.col(under) > 0).fill_null(False)
        rate = pl.when(known).then(pl.col(over) / pl.col(under)).otherwise(0.0)
        return with_minutes.select("series", "date", rate.alias("cost"), known.alias("complete"))
    price = pl.when(pl.col("credits") > 0).then(pl.col("cost") / pl.col("credits")).otherwise(0.0)
    columns = {
        "cost": {"cost": pl.col("cost"), "credits": pl.col("credits"), "runs": pl.col("runs")},
        "credits": {"cost": pl.col("credits"), "runs": pl.col("runs")},
        "runs": {"cost": pl.col("runs"), "runs": pl.col("runs")},
    }[measure]
    # Each run counts 1; the sum of the squares is the number of runs.
    squares = {"cost": _squares() * price**2, "credits": _squares(), "runs": pl.col("runs")}[measure]
    return daily.select("series", "date", **columns, cost_squared=squares, complete=pl.lit(True))


def _squares() -> pl.Expr:
    """The squares of a series; null for the whole series if any of its days lacks them."""
    unknown = (pl.col("credits_squared").is_null() & (pl.col("credits") > 0)).any().over("series")
    return pl.when(~unknown).then("credits_squared")
