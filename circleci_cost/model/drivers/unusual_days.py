"""Days of a baseline that do not show what their weekday usually costs: stops, and the days of a monthly batch.

Holidays are known beforehand (`model.calendar`); weighing the days that are left is `baseline`'s job.
"""

from collections.abc import Sequence

import polars as pl

# Costs below a third of their weekday's, or above three times that, are no usual ups and downs, if the weekday's other
# days agree within a third and have enough runs: four runs are zero by chance on 2 % of days.
_UNUSUAL = 3.0
_AGREE = 1 / 3
_FEWEST_OTHERS = 2
_FEWEST_RUNS = 4.0


def unusual_days(daily: pl.DataFrame, days: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """The days on which almost nothing was used, or far more than on the same weekday of the other weeks.

    In: `daily`, runs and credits of each day that had any (`key`, `date`, `runs`, `credits`), and `days`, all that are
    known (`key`, `date`). Out: `key` and `date`.
    """
    sums = daily.group_by(*key, "date").agg(pl.col("runs", "credits").cast(pl.Float64).sum())
    each = (
        days.select(*key, "date")
        .unique()
        .join(sums, [*key, "date"], "left", nulls_equal=True)
        .with_columns(pl.col("runs", "credits").fill_null(0.0), weekday=pl.col("date").dt.weekday())
    )
    pairs = each.join(each, [*key, "weekday"], suffix="_other", nulls_equal=True).filter(
        pl.col("date") != pl.col("date_other")
    )
    usual = pl.col("credits_other").median()
    compared = pairs.group_by(*key, "date").agg(
        pl.col("credits").first(),
        usual.alias("usual"),
        ((pl.col("credits_other") - usual).abs() <= _AGREE * usual).all().alias("agree"),
        pl.col("runs_other").median().alias("usual_runs"),
        pl.len().alias("others"),
    )
    unusual = (pl.col("credits") * _UNUSUAL < pl.col("usual")) | (pl.col("credits") > _UNUSUAL * pl.col("usual"))
    enough = (pl.col("others") >= _FEWEST_OTHERS) & (pl.col("usual_runs") >= _FEWEST_RUNS)
    return compared.filter(enough & pl.col("agree") & unusual).select(*key, "date")
