"""The ids of incidents: one that is found again has the id that it had, so that people are notified of it once.

Finding incidents is `incidents`' job.
"""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl

from circleci_cost.model.incidents.hierarchy import Hierarchy
from circleci_cost.model.incidents.ledger import PRICE_CHANGE, WEEK

_TOLD = ("told_on", "told_per_day")


def incident_id(organization: str, series: str, direction: str, first_alarm: date, number: int = 0) -> str:
    """Return a short id that is the same whenever the same incident is found again in the same data.

    It uses the first day in alarm, not the first day: a drift is assumed to have begun six weeks earlier, and another
    incident may have begun on that day. `number` tells apart what began there on one day, such as beside a new price.
    """
    text = "\n".join((organization, series, direction, first_alarm.isoformat(), *([str(number)] if number else [])))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def ids_kept(current: pl.DataFrame, before: pl.DataFrame, parents: Hierarchy) -> pl.DataFrame:
    """Give incidents the ids that they had in an earlier run, and when and of what people were told then.

    In: incidents; `before`: `incident_id`, `series`, `kind`, `direction`, `first_day`, `last_day`, `told_on`,
    `told_per_day`, `data_through` of the earlier run. An incident is the same if it has the same direction and the same
    series or one above or below it, and either begins within a week of the former one, or shares days with it and was
    worth reporting by the day that was known then: a further day or a restatement may change its level or its first
    day, and people must not be notified of it twice. A price change is never the same as anything else.
    """
    former: dict[int, int] = {}
    taken: set[int] = set()
    for row, other in _alike(current, before, parents):
        if row not in former and other not in taken:
            former[row] = other
            taken.add(other)
    kept = pl.DataFrame(
        {"row": list(former), "before": list(former.values())}, schema={"row": pl.UInt32(), "before": pl.UInt32()}
    )
    names = ("incident_id", *_TOLD)
    told = before.with_row_index("before").select("before", *(pl.col(name).alias(f"{name}_before") for name in names))
    return (
        current.with_row_index("row")
        .join(kept.join(told, on="before"), on="row", how="left", maintain_order="left")
        .with_columns(pl.coalesce(f"{name}_before", name).alias(name) for name in names)
        .select(current.columns)
    )


def _alike(current: pl.DataFrame, before: pl.DataFrame, parents: Hierarchy) -> Iterator[tuple[int, int]]:
    """The rows of both tables that may be the same incident, the likeliest first: by id, series, and first day."""
    away = (pl.col("first_day") - pl.col("first_day_before")).abs()
    began, lasted = pl.col("first_day") <= pl.col("last_day_before"), pl.col("last_day") >= pl.col("first_day_before")
    was_known = pl.col("told_on") <= pl.col("data_through")
    both_prices = (pl.col("kind") == PRICE_CHANGE) == (pl.col("kind_before") == PRICE_CHANGE)
    another_id = pl.col("incident_id") != pl.col("incident_id_before")
    another_series = pl.col("series") != pl.col("series_before")
    pairs = (
        current.select("incident_id", "series", "kind", "direction", "first_day", "last_day", "told_on")
        .with_row_index("row")
        .join(before.with_row_index("row"), on="direction", suffix="_before")
        .filter(both_prices & ((away <= timedelta(days=WEEK)) | (began & lasted & was_known)))
        .sort(another_id, another_series, away, "incident_id_before", "row")
    )
    for row, other, series, former in pairs.select("row", "row_before", "series", "series_before").iter_rows():
        if parents.related(series, former):
            yield row, other
