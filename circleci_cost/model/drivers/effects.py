"""How much of each job's change in cost is due to which driver: logarithmic means, made exact to the last digit.

The method and its sources stand in `decomposition`; jobs side by side come from `leaves`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from circleci_cost.model.drivers.leaves import CLASSES, MONEY, NON_COMPUTE

DRIVERS = (
    "runs",
    "minutes_per_run",
    "credits_per_minute",
    "price",
    "mix",
    "new",
    "vanished",
    *NON_COMPUTE,
    "unpriced",
)

# Far below any real change, far above the rounding errors of scaled costs and of doubles.
_NO_CHANGE = 1e-9

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def with_effects(leaves: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Add a column for each of `DRIVERS`, exact decimals that add up to `total_after - total_before` in every row.

    The rounding difference of a row goes to the largest effect that is not a charge type's own: charge types without a
    change of price are exact already.
    """
    estimates = _estimates(leaves)
    _mark_moved(estimates, leaves, key)
    types = [charge_type for charge_type in NON_COMPUTE if f"{charge_type}_cost_before" in leaves.columns]
    effects = leaves.with_columns(pl.Series(name, values).cast(MONEY) for name, values in estimates.items())
    fully_priced = pl.all_horizontal(pl.col(f"unpriced_credits_{side}") == 0 for side in ("before", "after"))
    for charge_type in types:
        change = pl.col(f"{charge_type}_cost_after") - pl.col(f"{charge_type}_cost_before")
        same = pl.col(f"{charge_type}_credits_after") == pl.col(f"{charge_type}_credits_before")
        price = pl.col(_price_of(charge_type))
        effects = effects.with_columns(
            pl.when(same & (price != 0)).then(change).otherwise(price).alias(_price_of(charge_type))
        )
        effects = effects.with_columns(
            pl.col(charge_type) + pl.when(fully_priced).then(change - price).otherwise(pl.lit(0, MONEY))
        )
    effects = effects.with_columns(price=pl.sum_horizontal("price", *map(_price_of, types)).cast(MONEY))
    rounded = [name for name in DRIVERS if name not in NON_COMPUTE]
    largest = np.argmax(np.abs(np.column_stack([estimates[name] for name in rounded])), axis=1)
    left = pl.col("total_after") - pl.col("total_before") - pl.sum_horizontal(DRIVERS)
    return (
        effects.with_columns(largest=pl.Series(largest), left=left.cast(MONEY))
        .with_columns(
            pl.col(name) + pl.when(pl.col("largest") == place).then(pl.col("left")).otherwise(pl.lit(0, MONEY))
            for place, name in enumerate(rounded)
        )
        .drop("largest", "left", *map(_price_of, types))
    )


def log_mean(before: Floats, after: Floats) -> Floats:
    """The logarithmic mean of two positive numbers, (b − a) / ln(b / a), and a itself where they are the same."""
    ratio = np.log(after / before)
    near = np.abs(ratio) < _NO_CHANGE
    mean: Floats = np.where(near, before, before * np.expm1(ratio) / np.where(near, 1.0, ratio))
    return mean


def _estimates(leaves: pl.DataFrame) -> dict[str, Floats]:
    """The effects as estimates; price effects of a charge type are kept apart, effects of its credits left out."""
    estimates = {name: np.zeros(leaves.height) for name in DRIVERS}
    _compute(estimates, leaves)
    for charge_type in NON_COMPUTE:
        if f"{charge_type}_cost_before" in leaves.columns:
            estimates[_price_of(charge_type)] = _price_effect(
                _pair(leaves, f"{charge_type}_cost"), _pair(leaves, f"{charge_type}_credits")
            )
    unpriced = (_floats(leaves, "unpriced_credits_before") != 0) | (_floats(leaves, "unpriced_credits_after") != 0)
    for values in estimates.values():
        values[unpriced] = 0.0
    total = _floats(leaves, "total_after") - _floats(leaves, "total_before")
    estimates["unpriced"][unpriced] = total[unpriced]
    return estimates


def _price_of(charge_type: str) -> str:
    return f"{charge_type}_price"


def _compute(estimates: dict[str, Floats], leaves: pl.DataFrame) -> None:
    """Cost = runs × minutes per run × credits per minute × price; an unknown factor is left out."""
    cost = _pair(leaves, "cost")
    runs, minutes, credits = (_pair(leaves, name) for name in ("runs", "minutes", "credits"))
    present = [np.logical_or.reduce([pair[side] != 0 for pair in (runs, minutes, credits, cost)]) for side in (0, 1)]
    estimates["new"] += np.where(present[0], 0.0, cost[1])
    estimates["vanished"] -= np.where(present[1], 0.0, cost[0])
    both = present[0] & present[1]
    chained = both & _positive(cost)
    weight = np.zeros(len(both))
    weight[chained] = log_mean(cost[0][chained], cost[1][chained])
    known = {name: _positive(pair) for name, pair in (("runs", runs), ("minutes", minutes), ("credits", credits))}
    of_credits = np.where(known["credits"], _log_ratio(credits), _log_ratio(cost))
    of_minutes = np.where(known["minutes"], _log_ratio(minutes), np.where(known["runs"], _log_ratio(runs), 0.0))
    of_runs = np.where(known["runs"], _log_ratio(runs), of_minutes)
    counted = known["runs"] | known["minutes"]
    estimates["runs"] += weight * _settled(of_runs)
    estimates["minutes_per_run"] += weight * _settled(of_minutes - of_runs)
    estimates["credits_per_minute"] += np.where(counted, weight * _settled(of_credits - of_minutes), 0.0)
    estimates["other"] += np.where(counted, 0.0, weight * _settled(of_credits))
    estimates["price"] += weight * _settled(_log_ratio(cost) - of_credits)
    _to_or_from_zero(estimates, both & ~chained, cost, {"runs": runs, "minutes": minutes, "credits": credits})


def _to_or_from_zero(
    estimates: dict[str, Floats],
    open_rows: Flags,
    cost: tuple[Floats, Floats],
    factors: Mapping[str, tuple[Floats, Floats]],
) -> None:
    """Assign costs that come from zero or fall to it: in the limit the change is due to the factor that did so."""
    driver_of = {"runs": "runs", "minutes": "minutes_per_run", "credits": "credits_per_minute"}
    change = np.where(open_rows, cost[1] - cost[0], 0.0)
    negative = (cost[0] < 0) | (cost[1] < 0)
    left = open_rows & ~negative
    for name, pair in factors.items():
        turned = left & ((pair[0] == 0) != (pair[1] == 0))
        estimates[driver_of[name]] += np.where(turned, change, 0.0)
        left &= ~turned
    estimates["price"] += np.where(left, change, 0.0)
    estimates["other"] += np.where(open_rows & negative, change, 0.0)


def _price_effect(cost: tuple[Floats, Floats], credits: tuple[Floats, Floats]) -> Floats:
    """The effect of the price on a charge type without minutes, whose cost is credits × price."""
    priced = _positive(cost) & _positive(credits)
    weight = np.zeros(len(priced))
    weight[priced] = log_mean(cost[0][priced], cost[1][priced])
    return weight * _settled(np.where(priced, _log_ratio(cost) - _log_ratio(credits), 0.0))


def _mark_moved(estimates: dict[str, Floats], leaves: pl.DataFrame, key: Sequence[str]) -> None:
    """Where rows are grouped by class, a job that changed its class neither vanished nor is new: that is `mix`."""
    job = [name for name in key if name not in CLASSES]
    if len(job) == len(key) or not job:
        return
    elsewhere = leaves.select(
        before=pl.col("present_before").any().over(job), after=pl.col("present_after").any().over(job)
    )
    for driver, side in (("new", "before"), ("vanished", "after")):
        moved = elsewhere.get_column(side).to_numpy()
        estimates["mix"] += np.where(moved, estimates[driver], 0.0)
        estimates[driver] = np.where(moved, 0.0, estimates[driver])


def _floats(leaves: pl.DataFrame, name: str) -> Floats:
    return leaves.get_column(name).cast(pl.Float64).to_numpy()


def _pair(leaves: pl.DataFrame, name: str) -> tuple[Floats, Floats]:
    return _floats(leaves, f"{name}_before"), _floats(leaves, f"{name}_after")


def _positive(pair: tuple[Floats, Floats]) -> Flags:
    positive: Flags = (pair[0] > 0) & (pair[1] > 0)
    return positive


def _log_ratio(pair: tuple[Floats, Floats]) -> Floats:
    """ln(after / before) where both are positive, else 0."""
    known = _positive(pair)
    return np.log(np.where(known, pair[1], 1.0) / np.where(known, pair[0], 1.0))


def _settled(ratio: Floats) -> Floats:
    """Treat differences within the rounding of doubles as no change."""
    return np.where(np.abs(ratio) < _NO_CHANGE, 0.0, ratio)
