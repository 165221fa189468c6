"""The jobs of two periods side by side, with the runs, usage and cost of each.

Attributing the change to drivers is `effects`' job, choosing the days `baseline`'s.
"""

from collections.abc import Sequence

import polars as pl

from circleci_cost.errors import UsageError
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, DIMENSIONS, HIERARCHY, NO_VALUE

CLASSES = ("resource_class", "executor")
FINER = tuple(name for name in DIMENSIONS if name not in {*HIERARCHY, *CLASSES, CHARGE_TYPE})
"""Dimensions that distinguish jobs only on request."""

REQUIRED = ("runs", "run_seconds", "credits", "cost_usd")
NON_COMPUTE = tuple(name for name in CHARGE_TYPES if name != "compute")
"""The charge types that take no minutes; each is a driver of its own."""

MONEY = pl.Decimal(38, 16)
# Whole numbers and credits fit exactly, fractions as finely as costs; sums do not depend on the order of the rows.
QUANTITY = pl.Decimal(38, 16)

_LEAST_SHIFT = 0.05


def job_key(before: pl.DataFrame, after: pl.DataFrame, by: Sequence[str]) -> list[str]:
    """The columns that distinguish jobs: the levels that both frames have, and those of `by`.

    Raises `UsageError` if a frame lacks a column of `by` or of `REQUIRED`.
    """
    for name, frame in (("before", before), ("after", after)):
        for column in (*by, *REQUIRED):
            if column not in frame.columns:
                raise UsageError(
                    f"The frame {name!r} has no column {column!r}; there are: {', '.join(frame.columns) or 'none'}."
                )
    levels = [name for name in HIERARCHY if name in before.columns and name in after.columns]
    return list(dict.fromkeys((*by, *levels)))


def side_by_side(before: pl.DataFrame, after: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """One row per job: its key, and for each period (`_before`, `_after`) its runs, usage and cost.

    Out: `runs`, `minutes`, `credits` and `cost` of compute (of everything where the frames have no charge types), the
    other charge types' `<type>_credits` and `<type>_cost`, `total` (all cost), `unpriced_credits`, `present`
    (whether the period has the job); and `class_from`, `class_to`, `class_share` if minutes moved between classes.
    """
    keys = _keys(before, after, key)
    charged = all("compute_cost_usd" in frame.columns for frame in (before, after))
    numbered = [_numbered(frame, keys, key) for frame in (before, after)]
    jobs = keys
    for suffix, frame in zip(("_before", "_after"), numbered, strict=True):
        sums = _sums(frame, charged=charged).with_columns(present=pl.lit(True))
        jobs = jobs.join(sums.rename({name: name + suffix for name in sums.columns if name != "leaf"}), "leaf", "left")
    sides = pl.selectors.ends_with("_before", "_after") - pl.selectors.by_name(*key, require_all=False)
    shifts = _class_shifts(numbered[0], numbered[1], [name for name in CLASSES if name not in key])
    return jobs.with_columns(
        (sides & pl.selectors.boolean()).fill_null(value=False), (sides & pl.selectors.numeric()).fill_null(0)
    ).join(shifts, "leaf", "left")


def _keys(before: pl.DataFrame, after: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Each job once, with its number `leaf`."""
    if not key:
        return pl.DataFrame({"leaf": [0]}, schema={"leaf": pl.UInt32})
    both = pl.concat([frame.select(key) for frame in (before, after)], how="vertical_relaxed")
    return both.unique().sort(key).with_row_index("leaf")


def _numbered(frame: pl.DataFrame, keys: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    if not key:
        return frame.with_columns(leaf=pl.lit(0, pl.UInt32))
    return frame.join(keys, list(key), "left", nulls_equal=True)


def _quantity(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name).cast(QUANTITY).fill_null(0) if name in frame.columns else pl.lit(0, QUANTITY)


def _money(frame: pl.DataFrame, name: str) -> pl.Expr:
    return pl.col(name).cast(MONEY).fill_null(0) if name in frame.columns else pl.lit(0, MONEY)


def _sums(frame: pl.DataFrame, *, charged: bool) -> pl.DataFrame:
    """Add up one period by leaf. Rows with credits and no cost count only as unpriced credits."""
    compute = ("compute_credits", "compute_cost_usd") if charged else ("credits", "cost_usd")
    types = NON_COMPUTE if charged else ()
    unpriced = pl.col("cost_usd").is_null() & (_quantity(frame, "credits") != 0)
    rows = frame.select(
        "leaf",
        unpriced.alias("unpriced"),
        _quantity(frame, "credits").alias("all_credits"),
        _quantity(frame, "runs").alias("runs"),
        _quantity(frame, "run_seconds").alias("seconds"),
        _quantity(frame, compute[0]).alias("credits"),
        _money(frame, compute[1]).alias("cost"),
        _money(frame, "cost_usd").alias("total"),
        *(_quantity(frame, f"{charge_type}_credits").alias(f"{charge_type}_credits") for charge_type in types),
        *(_money(frame, f"{charge_type}_cost_usd").alias(f"{charge_type}_cost") for charge_type in types),
    )
    priced = ~pl.col("unpriced")
    sums = rows.group_by("leaf").agg(
        pl.col("all_credits").filter("unpriced").sum().cast(pl.Float64).alias("unpriced_credits"),
        pl.exclude("leaf", "unpriced", "all_credits").filter(priced).sum(),
    )
    if charged:
        named = pl.sum_horizontal("cost", *(f"{charge_type}_cost" for charge_type in types)).cast(MONEY)
        # Cost in the total that no charge type names counts as other, so that the parts add up to the total.
        sums = sums.with_columns(other_cost=pl.col("other_cost") + pl.col("total") - named)
    amounts = [name for name in sums.columns if name in {"runs", "credits"} or name.endswith("_credits")]
    return sums.with_columns(pl.col(amounts).cast(pl.Float64), minutes=pl.col("seconds").cast(pl.Float64) / 60.0).drop(
        "seconds"
    )


def _class_shifts(before: pl.DataFrame, after: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    """The classes that lost and won most of a job's minutes, and the share won; for jobs of both periods."""
    empty = pl.DataFrame(
        schema={"leaf": pl.UInt32, "class_from": pl.String, "class_to": pl.String, "class_share": pl.Float64}
    )
    columns = [name for name in classes if name in before.columns and name in after.columns]
    if not columns:
        return empty
    shares = [_shares(frame, columns) for frame in (before, after)]
    moved = (
        shares[0]
        .join(shares[1], ["leaf", *columns], "full", suffix="_after", coalesce=True, nulls_equal=True)
        .filter(pl.col("leaf").is_in(_common(shares).implode()))
        .with_columns(gain=pl.col("share_after").fill_null(0.0) - pl.col("share").fill_null(0.0))
        .filter(pl.col("gain").abs() > _LEAST_SHIFT)
        .sort("gain", *columns, nulls_last=True)
    )
    ends = moved.group_by("leaf").agg(
        *(pl.col(name).cast(pl.String).first().fill_null(NO_VALUE).alias(f"{name}_from") for name in columns),
        *(pl.col(name).cast(pl.String).last().fill_null(NO_VALUE).alias(f"{name}_to") for name in columns),
        least=pl.col("gain").first(),
        class_share=pl.col("gain").last(),
    )
    return ends.filter((pl.col("least") < 0) & (pl.col("class_share") > 0)).select(
        "leaf", *_labels(columns), pl.col("class_share")
    )


def _shares(frame: pl.DataFrame, classes: Sequence[str]) -> pl.DataFrame:
    """The share of each class in a job's minutes."""
    minutes = frame.group_by("leaf", *classes).agg(
        _quantity(frame, "run_seconds").sum().cast(pl.Float64).alias("share")
    )
    whole = pl.col("share").sum().over("leaf")
    return (
        minutes.with_columns(whole=whole)
        .filter(pl.col("whole") > 0)
        .with_columns(share=pl.col("share") / pl.col("whole"))
        .drop("whole")
    )


def _common(shares: Sequence[pl.DataFrame]) -> pl.Series:
    return shares[0].select("leaf").unique().join(shares[1].select("leaf").unique(), "leaf").get_column("leaf")


def _labels(classes: Sequence[str]) -> list[pl.Expr]:
    """Name both ends by the resource class, with the executor in brackets if it changed too."""
    first, second = classes[0], classes[-1]
    same = pl.col(f"{second}_from") == pl.col(f"{second}_to")
    return [
        pl.when(same | pl.lit(first == second))
        .then(pl.col(f"{first}_{end}"))
        .otherwise(pl.format("{} ({})", f"{first}_{end}", f"{second}_{end}"))
        .alias(f"class_{end}")
        for end in ("from", "to")
    ]
