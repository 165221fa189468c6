"""What people use today to find anomalies in daily cost, behind the interface of the detector.

Each returns a score; the threshold that gives about half a false alarm per series-year is found on seed 1, which is
more than anybody does who installs one of these.
"""

from collections.abc import Callable, Mapping

import polars as pl

from circleci_cost_tests.benchmarks.anomaly_scores import counts, figures
from circleci_cost_tests.benchmarks.anomaly_series import LabelledSet

FALSE_PER_SERIES_YEAR = 0.5
_STEPS = 18
_LARGEST = 1e4
_MINIMUM_DAYS = 14


def z_score() -> pl.Expr:
    """Distance from the mean of the last 30 days, in their standard deviations."""
    past = pl.col("cost").shift(1)
    mean = past.rolling_mean(30, min_samples=_MINIMUM_DAYS).over("series")
    return _over(pl.col("cost") - mean, past.rolling_std(30, min_samples=_MINIMUM_DAYS).over("series"))


def percent_over_mean() -> pl.Expr:
    """Share over the mean of the last 7 days, or under it."""
    mean = pl.col("cost").shift(1).rolling_mean(7).over("series")
    return _over(pl.col("cost") - mean, mean)


def weekday_median() -> pl.Expr:
    """Distance of the logarithm from the median of the last eight same weekdays, in eight weeks' median distances."""
    log = pl.col("log")
    median = log.shift(1).rolling_median(8, min_samples=4).over("series", pl.col("date").dt.weekday())
    distance = (log - median).abs().shift(1).rolling_median(56, min_samples=_MINIMUM_DAYS).over("series")
    return _over(log - median, 1.4826 * distance + 0.02)


def quantile_band() -> pl.Expr:
    """Distance from the band between the 5th and the 95th percentile of the last 30 days, in widths of the band."""
    past = pl.col("cost").shift(1)
    low, high = (
        past.rolling_quantile(q, "linear", window_size=30, min_samples=_MINIMUM_DAYS).over("series")
        for q in (0.05, 0.95)
    )
    cost = pl.col("cost")
    return _over((cost - high).clip(0) - (low - cost).clip(0), high - low)


PEERS: Mapping[str, Callable[[], pl.Expr]] = {
    "30-day z-score": z_score,
    "percent over 7-day mean": percent_over_mean,
    "weekday median, log/MAD": weekday_median,
    "rolling quantile band": quantile_band,
}


def peer_scores(daily: pl.DataFrame, peer: str) -> pl.DataFrame:
    """Return `series`, `date`, `score` (signed) of the complete days."""
    level = pl.col("cost").shift(1).rolling_mean(28, min_samples=_MINIMUM_DAYS).over("series")
    return (
        daily.filter(pl.col("complete"))
        .sort("series", "date")
        .with_columns((pl.col("cost") + 0.05 * level + 1e-9).log().alias("log"))
        .with_columns(PEERS[peer]().fill_nan(0.0).fill_null(0.0).clip(-_LARGEST, _LARGEST).alias("score"))
        .select("series", "date", "score")
    )


def alarmed(scores: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Return the detector's columns that scoring needs: `series`, `date`, `score`, `direction`, `is_anomaly`."""
    return scores.with_columns(
        pl.when(pl.col("score") > 0).then(pl.lit("up")).otherwise(pl.lit("down")).alias("direction"),
        (pl.col("score").abs() > threshold).alias("is_anomaly"),
    )


def calibrated(made: LabelledSet, peer: str) -> float:
    """Return the threshold with about half a false alarm per series-year, by bisection on the logarithm."""
    scores = peer_scores(made.daily, peer)
    low, high = 0.1, _LARGEST
    for _ in range(_STEPS):
        middle = (low * high) ** 0.5
        table = figures([counts(alarmed(scores, middle), made)])
        if table.row(0, named=True)["false_per_series_year"] > FALSE_PER_SERIES_YEAR:
            low = middle
        else:
            high = middle
    return high


def _over(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """Divide; what lies over nothing is as large as can be, nothing over nothing is nothing."""
    return pl.when(numerator == 0).then(0.0).otherwise(numerator / denominator)
