"""How soon shifts are found, by size: what no detector can find at once should not be held against one.

A label's size is a day's effect in standard deviations of the series' usual noise of a day: its visibility is that over
all the days on which it was measured.
"""

from itertools import pairwise

import polars as pl

from circleci_cost_tests.benchmarks.anomaly_labels import DRIFT, PRICE_CHANGE, SCHEDULE_OFF, STOP
from circleci_cost_tests.benchmarks.anomaly_scores import UNSCORED_DAYS, alarms_of, with_delays
from circleci_cost_tests.benchmarks.anomaly_series import LabelledSet

SIZES = (0.5, 1.0, 1.4, 2.0, 3.0, 5.0)
"""Where the classes of sizes begin; below 1.4 the best possible delay is itself 5 to 16 days."""
WITHIN_DAYS = 14
_NO_SHIFTS = (DRIFT, PRICE_CHANGE, STOP, SCHEDULE_OFF)
"""Kinds that stay, but grow, are known from the prices, or leave nothing."""


def shift_delays(detected: pl.DataFrame, labelled: LabelledSet) -> pl.DataFrame:
    """Return `size` and `delay_days` (null where it was missed) of the labels of shifts, after the first 28 days."""
    measured_days = (pl.col("last_day") - pl.col("first_day")).dt.total_days() + 1
    begins = labelled.daily.group_by("series").agg(
        (pl.col("date").min() + pl.duration(days=UNSCORED_DAYS)).alias("begins")
    )
    shifts = labelled.labels.join(begins, on="series").filter(
        pl.col("over").is_null(), ~pl.col("kind").is_in(_NO_SHIFTS), pl.col("first_day") >= pl.col("begins")
    )
    return with_delays(alarms_of(detected), shifts).select(
        (pl.col("visibility") / measured_days.sqrt()).alias("size"), "delay_days"
    )


def by_size(delays: list[pl.DataFrame]) -> pl.DataFrame:
    """Return `size` (the class), `labels`, `median_delay` (null where most are missed), `within` (14 days).

    In: `size`, `delay_days`, as from `shift_delays`; without noise a shift is of the largest class. A missed one
    counts as found never.
    """
    names = [f"below {SIZES[0]:g}", *(f"{a:g} to {b:g}" for a, b in pairwise(SIZES)), f"from {SIZES[-1]:g}"]
    found = pl.col("delay_days").fill_null(float("inf"))
    size = pl.sum_horizontal((pl.col("size").fill_null(float("inf")) >= least).cast(pl.Int64) for least in SIZES)
    return (
        pl.concat(delays)
        .with_columns(size.replace_strict(dict(enumerate(names)), return_dtype=pl.Enum(names)).alias("size"))
        .group_by("size")
        .agg(
            pl.len().alias("labels"),
            found.median().alias("median_delay"),
            (pl.col("delay_days") <= WITHIN_DAYS).fill_null(False).mean().alias("within"),
        )
        .with_columns(pl.when(pl.col("median_delay").is_finite()).then("median_delay").alias("median_delay"))
        .sort("size")
    )
