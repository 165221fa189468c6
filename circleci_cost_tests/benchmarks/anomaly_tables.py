"""Daily tables of labelled sets: the span, the levels, and sums over the hierarchy.

Drawing the data is the generators' job, choosing labels `anomaly_labels`'s.
"""

from datetime import date, timedelta

import numpy as np
import polars as pl

LAST = date(2026, 11, 30)
DAYS = 395
FIRST = LAST - timedelta(days=DAYS - 1)
LEVELS = ("organization", "project", "workflow", "job")
SUMS = ("runs", "run_seconds", "credits", "cost", "cost_squared")
_PARTIAL, _MISSING = 3, 2


def rolled_up(leaves: pl.DataFrame, keys: tuple[str, ...], sums: tuple[str, ...]) -> pl.DataFrame:
    """Add up jobs to workflows, projects and organizations: `series`, the keys and the sums, for all four levels."""
    parts = pl.col("series").str.split("/")
    return pl.concat(
        leaves.with_columns(parts.list.head(depth).list.join("/").alias("series"))
        .group_by("series", *keys)
        .agg(pl.col(sums).sum())
        for depth in range(1, len(LEVELS) + 1)
    )


def daily_table(leaves: pl.DataFrame, partial: list[date], missing: list[date]) -> pl.DataFrame:
    """Return the daily table of an organization from that of its jobs: all levels, zeros for quiet and missing days.

    Neither partial nor missing days are `complete`: a missing day is unknown, not zero.
    """
    days = pl.DataFrame({"date": [FIRST + timedelta(days=n) for n in range(DAYS)]}, schema={"date": pl.Date})
    summed = rolled_up(leaves.filter(~pl.col("date").is_in(missing)), ("date",), SUMS)
    begins = summed.group_by("series").agg(pl.col("date").min().alias("begins"))
    return (
        begins.join(days, how="cross")
        .filter(pl.col("date") >= pl.col("begins"))
        .join(summed, on=["series", "date"], how="left")
        .select(
            "series", "date", pl.col(SUMS).fill_null(0), (~pl.col("date").is_in(partial + missing)).alias("complete")
        )
        .sort("series", "date")
    )


def hierarchy_of(daily: pl.DataFrame) -> pl.DataFrame:
    """Return `series`, `level`, `parent` (null for organizations) and `organization` of all series."""
    parts = pl.col("series").str.split("/")
    depth = parts.list.len()
    return daily.select(pl.col("series").unique().sort()).with_columns(
        depth.replace_strict(dict(enumerate(LEVELS, 1)), return_dtype=pl.String).alias("level"),
        pl.when(depth > 1).then(parts.list.head(depth - 1).list.join("/")).alias("parent"),
        parts.list.first().alias("organization"),
    )


def draw_gaps(draw: np.random.Generator, short: list[tuple[date, date]]) -> tuple[list[date], list[date]]:
    """Draw days that arrived in part and days that were never exported, none of them next to a short event's days."""
    busy = {first + timedelta(days=n) for first, last in short for n in range(-1, (last - first).days + 2)}
    free = [day for day in (FIRST + timedelta(days=n) for n in range(30, DAYS)) if day not in busy]
    chosen = [free[int(n)] for n in draw.choice(len(free), _PARTIAL + _MISSING, replace=False)]
    return sorted(chosen[:_PARTIAL]), sorted(chosen[_PARTIAL:])
