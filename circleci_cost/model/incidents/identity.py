"""The ids of incidents: one that is found again has the id that it had, so that people are notified of it once.

Finding incidents is `incidents`' job.
"""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import polars as pl

from circleci_cost.model.incidents.hierarchy import Hierarchy
from circleci_cost.model.incidents.ledger import PRICE_CHANGE, WEEK


def incident_id(organization: str, series: str, direction: str, first_alarm: date, number: int = 0) -> str:
    """Return a short id that is the same whenever the same incident is found again in the same data.

    It uses the first day in alarm, not the first day: a drift is assumed to have begun six weeks earlier, and another
    incident may have begun on that day. `number` tells apart what began there on one day, such as beside a new price.
    """
    text = "\n".join((organization, series, direction, first_alarm.isoformat(), *([str(number)] if number else [])))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def ids_kept(current: pl.DataFrame, before: pl.DataFrame, parents: Hierarchy) -> pl.DataFrame:
    """Give incidents the ids that they had in an earlier run.

    In: incidents; `before`: `incident_id`, `series`, `kind`, `direction`, `first_day`, `last_day` of the earlier run.
    An incident is the same if it has the same direction, the same series or one above or below it, and begins within a
    week of it: a further day or a restatement may change its level or its first day, and people must not be notified
    of it twice. A price change is never the same as anything else.
    """
    # An id that is found again exactly is not given to another incident.
    same = set(current.get_column("incident_id")) & set(before.get_column("incident_id"))
    taken: set[str] = set(same)
    ids = [
        row["incident_id"] if row["incident_id"] in same else _former_id(row, before, parents, taken)
        for row in current.iter_rows(named=True)
    ]
    return current.with_columns(pl.Series("incident_id", ids, dtype=pl.String))


def _former_id(row: dict[str, Any], before: pl.DataFrame, parents: Hierarchy, taken: set[str]) -> str:
    chosen = next(_former_ids(row, before, parents, taken), str(row["incident_id"]))
    taken.add(chosen)
    return chosen


def _former_ids(row: dict[str, Any], before: pl.DataFrame, parents: Hierarchy, taken: set[str]) -> Iterator[str]:
    away = (pl.col("first_day") - row["first_day"]).abs()
    is_price = pl.col("kind") == PRICE_CHANGE
    alike = (pl.col("direction") == row["direction"]) & (is_price == (row["kind"] == PRICE_CHANGE))
    near = before.filter(alike & (away <= timedelta(days=WEEK)))
    for incident, series in near.sort(away, "incident_id").select("incident_id", "series").iter_rows():
        if incident not in taken and parents.related(row["series"], series):
            yield incident
