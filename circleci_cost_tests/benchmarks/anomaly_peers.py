"""Common methods to detect anomalies in daily cost, behind the interface of the detector.

Each returns a score. They get more than a usual installation gives them: the calendar of holidays, on which they are
silent (without it, the weekday median has F1 .17 instead of .56), and thresholds that make one false alarm per
series-year on another seed, for all series and for organizations and projects apart.
"""

from collections.abc import Callable, Mapping
from functools import cache

import polars as pl

from circleci_cost.model.calendar.definition import Calendar
from circleci_cost.model.calendar.special_days import special_days
from circleci_cost_tests.benchmarks.anomaly_scores import ALL, LARGE, counts, figures
from circleci_cost_tests.benchmarks.anomaly_series import LabelledSet
from circleci_cost_tests.benchmarks.anomaly_tables import FIRST, LAST

FALSE_PER_SERIES_YEAR = 1.0
_LOWEST, _HIGHEST, _STEPS = 0.1, 100.0, 10
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


def peer_scores(labelled: LabelledSet, peer: str) -> pl.DataFrame:
    """Return `series`, `date`, `score` (signed) of the complete days except days off."""
    level = pl.col("cost").shift(1).rolling_mean(28, min_samples=_MINIMUM_DAYS).over("series")
    return (
        labelled.daily.filter(pl.col("complete"))
        .sort("series", "date")
        .with_columns((pl.col("cost").clip(0) + 0.05 * level.clip(0) + 1e-9).log().alias("log"))
        .with_columns(PEERS[peer]().fill_nan(0.0).fill_null(0.0).clip(-_LARGEST, _LARGEST).alias("score"))
        .select("series", "date", "score", pl.col("series").str.split("/").list.first().alias("organization"))
        .join(_days_off(labelled.countries), on=["organization", "date"], how="anti")
        .drop("organization")
    )


def alarmed(scores: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """Return the detector's columns that scoring needs: `series`, `date`, `score`, `direction`, `is_anomaly`."""
    return scores.with_columns(
        pl.when(pl.col("score") > 0).then(pl.lit("up")).otherwise(pl.lit("down")).alias("direction"),
        (pl.col("score").abs() > threshold).alias("is_anomaly"),
    )


def calibrated(labelled: LabelledSet, peer: str) -> dict[str, float]:
    """Return the thresholds with `FALSE_PER_SERIES_YEAR` in all series and in the large ones, by bisection."""
    scores = peer_scores(labelled, peer)

    @cache
    def false_alarms(threshold: float) -> dict[str, float]:
        table = figures([counts(alarmed(scores, threshold), labelled)])
        return dict(table.select("slice", "false_per_series_year").iter_rows())

    def threshold(series: str) -> float:
        low, high = _LOWEST, _HIGHEST
        for _ in range(_STEPS):
            middle = (low * high) ** 0.5
            if false_alarms(middle)[series] > FALSE_PER_SERIES_YEAR:
                low = middle
            else:
                high = middle
        return high

    return {series: threshold(series) for series in (ALL, LARGE)}


def _days_off(countries: pl.DataFrame) -> pl.DataFrame:
    """Return `organization` and `date` of the days off."""
    return pl.concat(
        special_days(FIRST, LAST, Calendar(country=country)).select(pl.lit(organization).alias("organization"), "date")
        for organization, country in countries.iter_rows()
    )


def _over(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """Divide; what lies over nothing is as large as can be, nothing over nothing is nothing."""
    return pl.when(numerator == 0).then(0.0).otherwise(numerator / denominator)
