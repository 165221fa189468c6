"""How much a job's runs, and what a run costs, usually scatter from day to day: what chance does without any cause.

Judging a change by it is `causes`' job, reading the days the warehouse's.
"""

from collections.abc import Sequence

import polars as pl

USUAL_COUNTS = 1.5
"""The variance of a day's number of runs over its mean: pipelines come in bursts, so it is more than a Poisson's 1."""
REGULAR_COUNTS = 0.05
"""The same of a job on a fixed schedule; not 0, since a run that is late falls on another day."""
USUAL_RUNS = 0.35**2
"""The variance of the logarithm of a run's cost within a job."""

# The usual variances count as much as this many days of the job's own.
_PRIOR_DAYS = 4.0
# A job whose number of runs is that of its weekday on this share of its days has a schedule.
_REGULAR_SHARE = 0.7
_FEWEST_REGULAR_DAYS = 4


def usual_scatter(daily: pl.DataFrame, days: pl.DataFrame, levels: Sequence[str]) -> pl.DataFrame:
    """The scatter of each job within its weekdays.

    In: `daily`, the runs and credits of each job on each day that it ran (`levels`, `date`, `runs`, `credits`), and
    `days`, the days that are known (`date`, and the outermost of `levels`). Out: `levels`, `count_variance` (over the
    mean) and `run_variance` (of the logarithm).
    """
    outermost = [name for name in levels if name in days.columns]
    weekdays = days.group_by(*outermost, weekday=pl.col("date").dt.weekday()).agg(pl.len().alias("days"))
    runs = pl.col("runs").cast(pl.Float64)
    jobs = (
        daily.group_by(*levels, "date")
        .agg(runs.sum(), pl.col("credits").cast(pl.Float64).sum())
        .join(days, [*outermost, "date"], "semi", nulls_equal=True)
        .with_columns(weekday=pl.col("date").dt.weekday())
        .join(weekdays, [*outermost, "weekday"], "left", nulls_equal=True)
    )
    return _counts(jobs, levels).join(_rates(jobs, levels), levels, "left", nulls_equal=True)


def _counts(jobs: pl.DataFrame, levels: Sequence[str]) -> pl.DataFrame:
    """The variance of counts: the squares within a weekday over what its mean leads to expect; zero days count."""
    by_weekday = jobs.group_by(*levels, "weekday").agg(
        pl.col("days").first(),
        pl.col("runs").sum().alias("sum"),
        (pl.col("runs") ** 2).sum().alias("squares"),
        (pl.col("runs") == pl.col("runs").mode().max()).sum().alias("alike"),
    )
    mean = pl.col("sum") / pl.col("days")
    free = (pl.col("days") - 1).clip(0)
    sums = by_weekday.group_by(levels).agg(
        (pl.col("squares") - pl.col("days") * mean**2).clip(0).sum().alias("squares"),
        (free * mean).sum().alias("expected"),
        free.sum().alias("free"),
        (pl.col("alike").sum() / pl.col("days").sum()).alias("regular"),
        pl.col("days").sum(),
    )
    is_regular = (pl.col("regular") >= _REGULAR_SHARE) & (pl.col("days") >= _FEWEST_REGULAR_DAYS)
    own = pl.when(pl.col("expected") > 0).then(pl.col("squares") / pl.col("expected")).otherwise(USUAL_COUNTS)
    shrunk = (_PRIOR_DAYS * USUAL_COUNTS + pl.col("free") * own) / (_PRIOR_DAYS + pl.col("free"))
    return sums.select(
        *levels,
        count_variance=pl.when(is_regular).then(pl.min_horizontal(own.clip(REGULAR_COUNTS), shrunk)).otherwise(shrunk),
    )


def _rates(jobs: pl.DataFrame, levels: Sequence[str]) -> pl.DataFrame:
    """The variance of the logarithm of a run's cost, from the means of days."""
    ran = jobs.filter((pl.col("runs") > 0) & (pl.col("credits") > 0)).with_columns(
        cost=(pl.col("credits") / pl.col("runs")).log()
    )
    mean = (pl.col("cost") * pl.col("runs")).sum() / pl.col("runs").sum()
    sums = ran.group_by(levels).agg(
        (pl.col("runs") * (pl.col("cost") - mean) ** 2).sum().alias("squares"), (pl.len() - 1).alias("free")
    )
    return sums.select(
        *levels, run_variance=(_PRIOR_DAYS * USUAL_RUNS + pl.col("squares")) / (_PRIOR_DAYS + pl.col("free"))
    )
