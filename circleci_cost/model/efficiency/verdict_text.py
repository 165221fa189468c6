"""The words about a change of class. Figures and verdict are `class_verdicts`' job."""

import polars as pl


def sentence() -> pl.Expr:
    """What the change did, and what follows, as one sentence without a full stop."""
    change = pl.format(
        "{} instead of {} since {}",
        "resource_class",
        "resource_class_before",
        pl.col("date").dt.to_string("%Y-%m-%d"),
    )
    few = pl.format(
        "{}: too few runs to tell ({} on {} days before, {} on {} days after)",
        change, "succeeded_before", "days_before", "succeeded_after", "days_after",
    )  # fmt: skip
    effect = pl.format(
        "{}: {} of the minutes a run ({} to {}), {} of the cost ({} to {})",
        change,
        *(_percent(f"{name}_ratio{ending}") for name in ("minutes", "cost") for ending in ("", "_low", "_high")),
    )
    success = pl.format(
        "success rate {} before, {} after", *map(_percent, ("success_rate_before", "success_rate_after"))
    )
    return (
        pl.when("too_few")
        .then(few)
        .when("fell")
        .then(pl.format("{}; it fails more often, {}", effect, success))
        .when(pl.col("verdict") == "undecided")
        .then(pl.format("{}; that may be chance", effect))
        .when((pl.col("verdict") == "revert") & (pl.col("minutes_ratio_high") < 1))
        .then(pl.format("{}; it is faster, and dearer", effect))
        .otherwise(effect)
    )


def _percent(name: str) -> pl.Expr:
    return pl.format("{} %", (100 * pl.col(name)).round().cast(pl.Int64, strict=False))
