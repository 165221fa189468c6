"""How much longer, or shorter, a run takes on another number of vCPUs, judged by its CPU use: a range, no promise.

A run's export holds the median and the maximum of samples of 15 seconds, each the share of all vCPUs in use. So half of
the samples lie up to the median, and half between median and maximum; nothing else is known. Prices are `advice`'s job.

With `k` times as many vCPUs, a moment in which the share `x` is in use takes `max(1, x / k)` times as long on fewer of
them: nothing is lost until they are saturated, then the work is spread over more time. Where the use changes within a
sample, the most that can be lost at a mean use of `x` is `1 + x (1 / k - 1)`: full load in bursts, and rest.
"""

import polars as pl

# A sample at which all vCPUs count as busy: samples rarely show 100.
SATURATED = 0.95


def time_factors(median: pl.Expr, maximum: pl.Expr, k: float) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """The run's time on `k` times as many vCPUs, relative to today's: at best, likely, at worst.

    In: `median` and `maximum`, the shares of the vCPUs that were in use, 0 to 1.
    """
    return _on_fewer(median, maximum, k) if k < 1 else _on_more(median, maximum, k)


def _on_fewer(median: pl.Expr, maximum: pl.Expr, k: float) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """At best half of the samples are idle and half at the median; at worst they are bursts up to the maximum."""

    def saturating(use: pl.Expr) -> pl.Expr:
        return pl.max_horizontal(pl.lit(1.0), use / k)

    def bursting(use: pl.Expr) -> pl.Expr:
        return 1 + use * (1 / k - 1)

    between = (median + maximum) / 2
    best = (1 + saturating(median)) / 2
    likely = (saturating(median) + saturating(between)) / 2
    worst = (bursting(median) + bursting(maximum)) / 2
    return best, likely, worst


def _on_more(median: pl.Expr, maximum: pl.Expr, k: float) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Only saturated moments can gain, at most by as much as there are more vCPUs; at worst the work cannot spread."""

    def gained(share: pl.Expr) -> pl.Expr:
        return 1 - share * (1 - 1 / k)

    mean = (median + maximum) / 2
    saturated = ((median >= SATURATED).cast(pl.Float64) + (mean >= SATURATED).cast(pl.Float64)) / 2
    # A sample of 95 to 99 % counts as saturated, and gains no more than its use.
    return gained(mean), gained(pl.min_horizontal(saturated, mean)), pl.lit(1.0) + 0 * median
