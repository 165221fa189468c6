"""Incidents in another view of the same cost, such as teams, that the hierarchy explains already.

Which series explains which within the hierarchy is the job of `causes`.
"""

from datetime import timedelta

import polars as pl

from circleci_cost.model.incidents.ledger import PRICE_CHANGE, WEEK
from circleci_cost.model.incidents.price_changes import MOST_OF_STEP, SHOWS_WITHIN


def without_those_explained(candidates: pl.DataFrame, explaining: pl.DataFrame) -> pl.DataFrame:
    """Return the incidents that have none of the same direction in `explaining` within a week of them.

    For another view of the same cost, such as teams: incidents that the hierarchy explains are not reported twice.
    Split costs have no price: a new one looks like more usage there, may take weeks to be detected, and explains a
    change of about its own size.
    """
    is_price = pl.col("kind") == PRICE_CHANGE
    change = (pl.col("impact") / pl.col("expected")).abs()
    other = explaining.select(
        "direction",
        other_first="first_day",
        other_last="last_day",
        within=pl.duration(days=pl.when(is_price).then(SHOWS_WITHIN).otherwise(WEEK)),
        most=pl.when(is_price).then(MOST_OF_STEP * change),
    )
    explained = candidates.join(other, on="direction").filter(
        (pl.col("other_first") <= pl.col("last_day") + timedelta(days=WEEK))
        & (pl.col("other_last") >= pl.col("first_day") - pl.col("within"))
        & (pl.col("most").is_null() | (change <= pl.col("most")))
    )
    return candidates.join(explained, on="incident_id", how="anti", maintain_order="left")
