"""Incidents: one row per cause, at the level that explains it best, with its impact and its state.

Which alarms have one cause is `causes`' to find, what people decided `decisions`' to read, telling
them `notify`'s.
"""

import hashlib
from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
import polars as pl

from circleci_cost.model.anomalies.definition import DEFAULTS, Anomalies
from circleci_cost.model.anomalies.prices import PRICE_STEP
from circleci_cost.model.forecast.panel import Flags, Floats
from circleci_cost.model.incidents.causes import Cause, Hierarchy, causes_of
from circleci_cost.model.incidents.episodes import (
    DRIFT,
    MOST_GAP_DAYS,
    NEW,
    PRICE_CHANGE,
    WEEK,
    Ledger,
    episodes_of,
    kind_of,
    ledger_of,
)


class IncidentStatus(StrEnum):
    """Whether an incident goes on, has ended, or has become the new normal; or was expected or ignored by people."""

    OPEN = "open"
    ENDED = "ended"
    NEW_NORMAL = "new_normal"
    EXPECTED = "expected"
    IGNORED = "ignored"


INCIDENT_SCHEMA = pl.Schema(
    {
        "incident_id": pl.String(),
        "organization": pl.String(),
        "series": pl.String(),
        "kind": pl.String(),
        "direction": pl.String(),
        "first_day": pl.Date(),
        "last_day": pl.Date(),
        "told_on": pl.Date(),
        "status": pl.String(),
        "actual": pl.Float64(),
        "expected": pl.Float64(),
        "impact": pl.Float64(),
        "impact_per_day": pl.Float64(),
        "told_per_day": pl.Float64(),
        "peak_per_day": pl.Float64(),
        "impact_share": pl.Float64(),
        "monthly_impact": pl.Float64(),
        "score": pl.Float64(),
        "alarms": pl.Int64(),
        "series_in_alarm": pl.Int64(),
    }
)
DAYS_OF_MONTH = 365.25 / 12
# After an incident so much of its relative change has to be there still for it to be the new normal.
_STAYS = 0.5
# Alarms of series and days that are one weak one together; measured: chance brings hardly more.
_SURE_ALARMS = 5
_FACTS = (NEW, DRIFT, PRICE_CHANGE)


def incidents(judged: pl.DataFrame, hierarchy: pl.DataFrame, settings: Anomalies = DEFAULTS) -> pl.DataFrame:
    """Group the alarms of `anomalies.detect` into incidents, and keep those worth telling.

    In: `judged` as `detect` returns it; `hierarchy`: `series`, `parent` (null at the top) and `organization`, a row for
    each series. An organization's own cost is the series of its name, else the topmost one that is above a series.

    Out: `INCIDENT_SCHEMA`, by first day. `told_on` is the first day on which what was known by then was worth telling:
    there was more than one weak alarm, and the mean impact per day of the last week reached the settings' minimum in
    the unit of cost and as a share of what a day of the organization was expected to cost. `impact` is what the days
    from the first to the last cost beyond what they would have, negative for less; `told_per_day` and `peak_per_day`
    are means of a week, on `told_on` and the largest since; `monthly_impact` is what a month of the last week would
    come to, where it goes on or stays.
    """
    rows = judged.filter(pl.col("series").is_in(hierarchy.get_column("series").implode()))
    if not rows.height or not rows.get_column("is_anomaly").any():
        return pl.DataFrame(schema=INCIDENT_SCHEMA)
    ledger = ledger_of(rows)
    parents = Hierarchy(dict(hierarchy.select("series", "parent").iter_rows()))
    organizations = dict(hierarchy.select("series", "organization").iter_rows())
    found = [
        row
        for cause in causes_of(episodes_of(rows, ledger.first), parents, ledger)
        if (row := _row(cause, parents, organizations, ledger, settings)) is not None
    ]
    return pl.DataFrame(found, schema=INCIDENT_SCHEMA, orient="row").sort("first_day", "series", "direction")


def incident_id(organization: str, series: str, direction: str, first_alarm: date) -> str:
    """A short name that stays the same whenever the same incident is found again from the same data.

    Of a drift, which is taken to have begun six weeks before, another incident may have begun on that day.
    """
    text = "\n".join((organization, series, direction, first_alarm.isoformat()))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _row(
    cause: Cause, parents: Hierarchy, organizations: dict[str, str], ledger: Ledger, settings: Anomalies
) -> tuple[object, ...] | None:
    """Return an incident's row; None where it is not worth telling."""
    name = organizations[cause.series]
    direction = cause.episodes[0].direction
    sign = 1.0 if direction == "up" else -1.0
    day_of_organization = ledger.usual_day(_whole(cause.series, name, parents, ledger), cause.since)
    value, usual = _course(cause, ledger)
    per_day = sign * _mean_of_week(value - usual)
    least = max(float(settings.minimum_impact_usd), float(settings.minimum_impact_share) * day_of_organization)
    in_alarm, sure = _certainty(cause)
    told = np.flatnonzero((per_day >= least) & in_alarm & sure)
    if not len(told):
        return None
    status = _status(cause, ledger)
    impact = float((value - usual).sum())
    return (
        incident_id(name, cause.series, direction, ledger.day(cause.first)),
        name,
        cause.series,
        _kind(cause),
        direction,
        ledger.day(cause.since),
        ledger.day(cause.last),
        ledger.day(cause.since + int(told[0])),
        status.value,
        float(value.sum()),
        float(usual.sum()),
        impact,
        impact / len(value),
        sign * float(per_day[told[0]]),
        sign * float(per_day[told[0] :][in_alarm[told[0] :]].max()),
        impact / len(value) / day_of_organization if day_of_organization > 0 else None,
        sign * float(per_day[-1]) * DAYS_OF_MONTH if status is not IncidentStatus.ENDED else None,
        max(each.score for each in cause.episodes),
        sum(each.alarms for each in cause.episodes),
        len({each.series for each in cause.episodes}),
    )


def _course(cause: Cause, ledger: Ledger) -> tuple[Floats, Floats]:
    """What the days cost, and what they would have; a new price is told by usual days, however little they used."""
    if _kind(cause) != PRICE_CHANGE:
        return ledger.course(cause.series, cause.since, cause.last)
    usual = np.full(cause.last - cause.since + 1, ledger.usual_day(cause.series, cause.since))
    sign = 1.0 if cause.episodes[0].direction == "up" else -1.0
    step = next(each.score for each in cause.episodes if each.kind == PRICE_CHANGE) * PRICE_STEP
    return usual * (1.0 + sign * step), usual


def _mean_of_week(impact: Floats) -> Floats:
    """The mean of each day and the six before it, of fewer where there are fewer."""
    summed = np.cumsum(impact)
    before = np.concatenate([np.zeros(min(WEEK, len(impact))), summed[:-WEEK]])
    return np.asarray((summed - before) / np.minimum(np.arange(1, len(impact) + 1), WEEK))


def _certainty(cause: Cause) -> tuple[Flags, Flags]:
    """Tell which days are in alarm, and since when there is more than one weak alarm: a clear one, several, a fact."""
    days = cause.last - cause.since + 1
    clear = np.zeros(days, dtype=np.bool_)
    alarms = np.zeros(days)
    for each in cause.episodes:
        alarms[each.first - cause.since : each.last - cause.since + 1] += 1
        sure = each.first if each.kind in _FACTS else each.clear
        if sure is not None:
            clear[sure - cause.since :] = True
    return alarms > 0, clear | (np.cumsum(alarms) >= _SURE_ALARMS)


def _whole(series: str, organization: str, parents: Hierarchy, ledger: Ledger) -> str:
    if organization in ledger.position:
        return organization
    return ([series, *parents.ancestors(series)])[-1]


def _kind(cause: Cause) -> str:
    """What it is: of its own series where that is in alarm; a drift after something else is what is left of that."""
    own = [each for each in cause.episodes if each.series == cause.series] or list(cause.episodes)
    first = min(each.first for each in own)
    return kind_of([each.kind for each in own if not each.drifts or each.first == first])


def _status(cause: Cause, ledger: Ledger) -> IncidentStatus:
    """Tell by the week after the last alarm: it is as before, or as changed as the incident itself."""
    if _kind(cause) == PRICE_CHANGE:
        return IncidentStatus.NEW_NORMAL
    after_first = cause.last + 1
    if ledger.days - after_first <= MOST_GAP_DAYS:
        return IncidentStatus.OPEN
    after_last = min(after_first + WEEK, ledger.days) - 1
    value, usual = ledger.course(cause.series, cause.since, after_last)
    during, after = slice(0, after_first - cause.since), slice(after_first - cause.since, None)
    if usual[after].sum() <= 0 or usual[during].sum() <= 0:
        stays = value[after].sum() > 0
    else:
        change = value[during].sum() / usual[during].sum() - 1.0
        stays = (value[after].sum() / usual[after].sum() - 1.0) * np.sign(change) > _STAYS * abs(change)
    return IncidentStatus.NEW_NORMAL if stays else IncidentStatus.ENDED


def without_those_explained(found: pl.DataFrame, explaining: pl.DataFrame) -> pl.DataFrame:
    """Return the incidents that no other of the same direction begins within a week of, or lasts beside.

    For another view of the same cost, such as teams: what the hierarchy explains is not told twice.
    """
    other = explaining.select("direction", other_first="first_day", other_last="last_day")
    week = timedelta(days=WEEK)
    explained = found.join(other, on="direction").filter(
        (pl.col("other_first") <= pl.col("last_day") + week) & (pl.col("other_last") >= pl.col("first_day") - week)
    )
    return found.join(explained, on="incident_id", how="anti", maintain_order="left")


def ids_kept(found: pl.DataFrame, before: pl.DataFrame, parents: Hierarchy) -> pl.DataFrame:
    """Give incidents the ids that they had before.

    In: incidents; `before`: `incident_id`, `series`, `direction`, `first_day`, `last_day` of an earlier run. One is the
    same as before if it is of the same direction, of the same series or one above or below it, and begins within a week
    of it: with a further day, or a restated one, its level or its first day may be another, and it must not be told
    twice.
    """
    # What is found exactly as it was is no other's.
    same = set(found.get_column("incident_id")) & set(before.get_column("incident_id"))
    taken: set[str] = set(same)
    ids = [
        row["incident_id"] if row["incident_id"] in same else _former_id(row, before, parents, taken)
        for row in found.iter_rows(named=True)
    ]
    return found.with_columns(pl.Series("incident_id", ids, dtype=pl.String))


def _former_id(row: dict[str, Any], before: pl.DataFrame, parents: Hierarchy, taken: set[str]) -> str:
    chosen = next(_former_ids(row, before, parents, taken), str(row["incident_id"]))
    taken.add(chosen)
    return chosen


def _former_ids(row: dict[str, Any], before: pl.DataFrame, parents: Hierarchy, taken: set[str]) -> Iterator[str]:
    away = (pl.col("first_day") - row["first_day"]).abs()
    near = before.filter((pl.col("direction") == row["direction"]) & (away <= timedelta(days=WEEK)))
    for incident, series in near.sort(away, "incident_id").select("incident_id", "series").iter_rows():
        if incident not in taken and parents.related(row["series"], series):
            yield incident
