"""How groups moved from one period to another: new, gone, up or down; in rows of `decomposition.contributors`.

Which drivers moved them is in the rows already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import polars as pl

from circleci_cost.model.drivers.decomposition import QUANTITIES

MOVEMENT = "movement"


class Movement(StrEnum):
    """The four ways in which the cost of a group changes."""

    NEW = "new"
    GONE = "gone"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Moved:
    """The groups of one movement: how many, and the change of all of them in USD."""

    movement: Movement
    groups: int
    change_usd: Decimal


def with_movement(changes: pl.DataFrame) -> pl.DataFrame:
    """Add `movement`. New is what had no usage at all before, gone what has none after; the sign tells up and down."""
    is_there = {
        side: pl.any_horizontal(
            pl.col(f"{side}_usd") != 0, *(pl.col(f"{name}_{side}") != 0 for name in (*QUANTITIES, "unpriced_credits"))
        )
        for side in ("before", "after")
    }
    movement = (
        pl.when(~is_there["before"])
        .then(pl.lit(Movement.NEW.value))
        .when(~is_there["after"])
        .then(pl.lit(Movement.GONE.value))
        .when(pl.col("change_usd") > 0)
        .then(pl.lit(Movement.UP.value))
        .otherwise(pl.lit(Movement.DOWN.value))
    )
    return changes.with_columns(movement.alias(MOVEMENT))


def moved(changes: pl.DataFrame) -> Sequence[Moved]:
    """What each movement comes to over all groups, without those that nothing moved like; they add up to the change."""
    sums = with_movement(changes).group_by(MOVEMENT).agg(pl.len(), pl.col("change_usd").sum())
    by_name = {name: (groups, change) for name, groups, change in sums.iter_rows()}
    return [Moved(each, *by_name[each]) for each in Movement if each in by_name]
