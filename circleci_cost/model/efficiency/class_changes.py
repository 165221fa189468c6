"""Finds the days from which on a job ran with another resource class, for good and not for a try.

What a change did to minutes and cost is `class_effects`' job, the verdict `class_verdicts`'.
"""

import polars as pl

# So many days with runs before and from the day on: branches keep the former class for a while, a try is over by then.
_DAYS = 5
# With fewer days on either side, it is not known yet whether the class lasts.
_FEWEST_DAYS = 3
# The new class must have this share of the runs from the day on, and at most the rest before it.
_SHARE = 0.7
_CLASS = ("executor", "resource_class")
CHANGES_SCHEMA: dict[str, pl.DataType] = {
    "key": pl.UInt64(),
    "position": pl.Int64(),
    "date": pl.Date(),
    "executor_before": pl.String(),
    "resource_class_before": pl.String(),
    "executor": pl.String(),
    "resource_class": pl.String(),
    "until": pl.Int64(),
    "since": pl.Int64(),
}


def positions(days: pl.DataFrame) -> pl.DataFrame:
    """`days` with `position`: the how-manieth day with runs of its job (`key`) a row's day is, from 0."""
    return days.with_columns(position=pl.col("date").rank("dense").over("key").cast(pl.Int64) - 1)


def class_changes(days: pl.DataFrame) -> pl.DataFrame:
    """The changes, `CHANGES_SCHEMA` [job × change], by job and day.

    In: `days` [job × day × class] with `key`, `date`, `executor`, `resource_class`, `runs`, `position`. `position` is
    the first day of the new class; `since` and `until` are the positions of the job's changes before and after it, or
    the ends of its history (`until` excluded).
    """
    shares = _shares(days)
    before, after = pl.col("before") / pl.col("all_before"), pl.col("after") / pl.col("all_after")
    enough = (pl.col("position") >= _FEWEST_DAYS) & (pl.col("position") <= pl.col("days") - _FEWEST_DAYS)
    shares = shares.filter(enough).with_columns(step=after - before, share_before=before)
    turned = shares.with_columns(turn=(after >= _SHARE) & (before <= 1 - _SHARE))
    changes = (
        turned.sort("key", *_CLASS, "position")
        .with_columns(stretch=pl.col("turn").rle_id().over("key", *_CLASS))
        .filter("turn")
        .sort("key", "step", "position", descending=[False, True, False])
        .unique(["key", *_CLASS, "stretch"], keep="first", maintain_order=True)
    )
    former = (
        shares.sort("share_before", descending=True)
        .unique(["key", "position"], keep="first", maintain_order=True)
        .select("key", "position", executor_before="executor", resource_class_before="resource_class")
    )
    ends = days.group_by("key").agg(end=pl.col("position").max() + 1)
    return (
        changes.join(former, on=["key", "position"])
        .join(ends, on="key")
        .sort("key", "position")
        .with_columns(
            since=pl.col("position").shift(1).over("key").fill_null(0),
            until=pl.coalesce(pl.col("position").shift(-1).over("key"), "end"),
        )
        .select(pl.col(name).cast(kind) for name, kind in CHANGES_SCHEMA.items())
    )


def _shares(days: pl.DataFrame) -> pl.DataFrame:
    """The runs by class within the days before each day with runs, and from it on, of jobs with several classes."""
    several = days.group_by("key").agg(classes=pl.struct(_CLASS).n_unique()).filter(pl.col("classes") > 1)
    days = days.join(several.select("key"), on="key", how="semi")
    every_day = days.group_by("key", "position", "date").agg(all_runs=pl.col("runs").sum())
    runs = days.group_by("key", "position", *_CLASS).agg(runs=pl.col("runs").sum())
    dense = (
        every_day.join(runs.select("key", *_CLASS).unique(), on="key")
        .join(runs, on=["key", "position", *_CLASS], how="left")
        .with_columns(pl.col("runs").fill_null(0))
        .sort("key", *_CLASS, "position")
    )
    series = ("key", *_CLASS)
    return dense.with_columns(
        *(_sums("runs", series, before="before", after="after")),
        *(_sums("all_runs", series, before="all_before", after="all_after")),
        days=pl.len().over(series),
    )


def _sums(name: str, series: tuple[str, ...], *, before: str, after: str) -> tuple[pl.Expr, pl.Expr]:
    total = pl.col(name).cum_sum()
    past = total - pl.col(name)
    begun = past.shift(_DAYS).fill_null(0)
    last = total.shift(-(_DAYS - 1)).fill_null(pl.col(name).sum())
    return (past - begun).over(series).alias(before), (last - past).over(series).alias(after)
