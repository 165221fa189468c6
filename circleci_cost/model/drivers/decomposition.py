"""Why the cost of one period differs from that of another: an exact decomposition into drivers, by any dimensions.

The public functions. `leaves` puts jobs side by side, `effects` does the arithmetic, `causes` locates the change in the
tree, `text` writes sentences. Which days are compared is the caller's choice.

The method is LMDI-I, the additive logarithmic mean Divisia index (Ang 2005, "The LMDI approach to decomposition
analysis: a practical guide", Energy Policy 33). A job's compute cost is the product

    runs × minutes per run × credits per minute × price per credit,

and the effect of one factor is L(after, before) · ln(factor after / factor before) with the logarithmic mean L. Why
this one: it leaves no residual, swapping the periods only changes the sign, no order of the factors has to
be chosen (a sequential price-volume-mix decomposition has one, and its answer depends on it), and effects of jobs add
up to those of projects and organizations. Shapley values do the same with more arithmetic.

The leaf is the job, over all its resource classes and executors: a job that moves to another class changes its credits
per minute; it does not vanish in one class and appear in another. Special cases:

* A job that only one period has is `new` or `vanished` with its whole cost.
* A cost that comes from zero or falls to it belongs to the first factor of the product that does the same: that is
  the limit of the logarithmic mean (Ang and Liu 2007).
* Without runs, the minutes take their place, and vice versa; credits with neither are `other`.
* Charge types without minutes (`dlc`, `user`, `storage`, …) are credits × price: a driver each, and `price`.
* Negative credits are no product of factors: such a change belongs to the driver of its charge type, of compute to
  `other`.
* A job with unpriced credits is not decomposed: the change of its priced part is `unpriced`.
"""

from collections.abc import Sequence

import polars as pl

from circleci_cost.errors import UsageError
from circleci_cost.model.drivers.effects import DRIVERS, with_effects
from circleci_cost.model.drivers.leaves import MONEY, job_key, side_by_side

QUANTITIES = ("runs", "minutes", "credits")

EFFECT_SCHEMA = pl.Schema(
    {
        **dict.fromkeys(("before_usd", "after_usd", "change_usd"), MONEY),
        **dict.fromkeys(DRIVERS, MONEY),
        **{f"{name}_{side}": pl.Float64() for name in QUANTITIES for side in ("before", "after")},
        **{f"unpriced_credits_{side}": pl.Float64() for side in ("before", "after")},
        "class_from": pl.String(),
        "class_to": pl.String(),
        "class_share": pl.Float64(),
        "price_before": pl.Float64(),
        "price_after": pl.Float64(),
    }
)


def decompose(before: pl.DataFrame, after: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Decompose the change in cost from one period to another, for each group of `by`.

    In: rows of daily costs at any grain: the columns of `by`, `runs`, `run_seconds`, `credits` and `cost_usd`; if
    present also the levels down to `job`, `resource_class`, `executor`, and the charge types' credits and costs
    as in `daily_costs`. A null `cost_usd` beside credits is unpriced. Floats are rounded to 16 decimals.
    Scaling a period of another length is the caller's job (`baseline.scaled`).

    Out, the largest change first: the columns of `by` and `EFFECT_SCHEMA`: costs in USD, the effect of each of
    `DRIVERS`, exact, whose sum is `change_usd` to the last digit in every row; quantities to read (of the priced rows;
    `runs`, `minutes` and `credits` of compute), and the class and price of the jobs that moved them most. With an
    empty `by` one row for all. Raises `UsageError` where a column is missing or a name of `by` is one of the result's.
    """
    taken = [name for name in by if name in EFFECT_SCHEMA]
    if taken:
        raise UsageError(f"No group can be called {taken[0]!r}: the result has a column of that name.")
    key = job_key(before, after, by)
    leaves = with_effects(side_by_side(before, after, key), key).with_columns(
        change=pl.col("total_after") - pl.col("total_before")
    )
    sums = [
        pl.col("total_before").sum().alias("before_usd"),
        pl.col("total_after").sum().alias("after_usd"),
        pl.col("change").sum().alias("change_usd"),
        *(pl.col(name).sum() for name in DRIVERS),
        *(pl.col(f"{name}_{side}").sum() for name in (*QUANTITIES, "unpriced_credits") for side in ("before", "after")),
        *_leading(("class_from", "class_to", "class_share"), "credits_per_minute", pl.col("class_to").is_not_null()),
        *_leading(("price_before", "price_after"), "price", pl.col("price") != 0),
    ]
    priced = leaves.with_columns(_price("before"), _price("after"))
    grouped = priced.group_by(by).agg(sums) if by else priced.select(sums)
    return (
        grouped.select(*by, *EFFECT_SCHEMA)
        .cast(EFFECT_SCHEMA)
        .sort(pl.col("change_usd").abs(), *by, descending=[True, *(False for _ in by)])
    )


def contributors(rows: pl.DataFrame, limit: int | None = None) -> pl.DataFrame:
    """Rank decomposed rows by the size of their change; rows without a change are left out.

    Out: `rows` with `rank` from 1, `share` of the change of all rows (DECIMAL(18,6); null where that is zero), `driver`
    (the one with the largest effect in the direction of the row's change) and its `effect_usd`.
    """
    changed = rows.filter(pl.col("change_usd") != 0)
    whole = float(rows.get_column("change_usd").sum() or 0)
    share = (pl.col("change_usd").cast(pl.Float64) / whole) if whole else pl.lit(None, pl.Float64)
    ranked = with_leading_driver(changed).sort(pl.col("change_usd").abs(), descending=True, maintain_order=True)
    return (
        ranked.with_columns(share=share.clip(-999_999, 999_999).cast(pl.Decimal(18, 6)))
        .with_row_index("rank", 1)
        .head(limit or ranked.height)
    )


def with_leading_driver(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `driver`, the one with the largest effect in the direction of the change, and its `effect_usd`."""
    direction = pl.when(pl.col("change_usd") < 0).then(-1).otherwise(1)
    pushed = pl.concat_list((pl.col(name).cast(pl.Float64) * direction) for name in DRIVERS)
    place = pushed.list.arg_max()
    effect = pl.coalesce(pl.when(place == number).then(pl.col(name)) for number, name in enumerate(DRIVERS))
    driver = place.replace_strict(dict(enumerate(DRIVERS)), return_dtype=pl.String)
    return rows.with_columns(driver=driver, effect_usd=effect)


def _price(side: str) -> pl.Expr:
    """The average price of a job's credits in the period."""
    cost, credits = pl.col(f"cost_{side}").cast(pl.Float64), pl.col(f"credits_{side}")
    return pl.when(credits > 0).then(cost / credits).alias(f"price_{side}")


def _leading(columns: Sequence[str], driver: str, where: pl.Expr) -> list[pl.Expr]:
    """Columns of the job on which a driver had the largest effect."""
    size = pl.when(where).then(pl.col(driver).abs())
    chosen = where & (size == size.max())
    return [pl.col(name).filter(chosen).first() for name in columns]
