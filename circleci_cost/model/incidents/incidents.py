"""Incidents: one row per cause, at the level that explains it best, with its impact and its state.

Grouping alarms by cause is `causes`' job, reading people's decisions `decisions`', notifying people `notify`'s.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import polars as pl

from circleci_cost.days import DAYS_A_MONTH
from circleci_cost.model.anomalies.definition import DEFAULTS, Anomalies
from circleci_cost.model.forecast.panel import Flags, Floats
from circleci_cost.model.incidents.causes import Cause, causes_of
from circleci_cost.model.incidents.common import in_common
from circleci_cost.model.incidents.episodes import DRIFT, MOST_GAP_DAYS, NEEDED, NEW, episodes_of, kind_of
from circleci_cost.model.incidents.hierarchy import Hierarchy
from circleci_cost.model.incidents.identity import incident_id
from circleci_cost.model.incidents.ledger import PRICE_CHANGE, WEEK, Ledger, ledger_of
from circleci_cost.model.incidents.novelty import is_news
from circleci_cost.model.incidents.price_changes import price_causes, step_of, without_prices
from circleci_cost.model.incidents.retold import joined


class IncidentStatus(StrEnum):
    """Whether an incident goes on, has ended or has become the new normal, or whether people expected or ignore it."""

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
# An incident is the new normal if more than this share of its relative change remains in the week after it.
_STAYS = 0.5
# Weak alarms on so many days are sure together. On one day a job, its workflow and its project alarm by one chance: of
# incidents with five weak alarms of any of them (series × days) two in three were false (seeds 1 and 2).
_SURE_DAYS = 5
_FACTS = (NEW, DRIFT, PRICE_CHANGE)


@dataclass(frozen=True)
class _Setting:
    """What an incident's figures depend on besides its cause."""

    parents: Hierarchy
    organizations: Mapping[str, str]
    ledger: Ledger
    settings: Anomalies


def incidents(judged: pl.DataFrame, hierarchy: pl.DataFrame, settings: Anomalies = DEFAULTS) -> pl.DataFrame:
    """Group the alarms of `detection.detect` into incidents, and keep those worth reporting.

    In: `judged` as `detect` returns it; `hierarchy`: `series`, `parent` (null at the top) and `organization`, a row for
    each series. An organization's own cost is the series of its name, else the topmost one above the series.

    Out: `INCIDENT_SCHEMA`, by first day. `told_on` is the first day on which the incident, as known by then, was worth
    reporting: there was more than one weak alarm, the day was news (`novelty`), and the mean impact per day of the last
    week, or since its latest clear alarms began, reached the settings' minimum in the unit of cost and as a share of
    the expected cost of the organization's day. `impact` is the cost from the first to the last day less the usual
    cost, negative for a saving; `told_per_day` and `peak_per_day` are such means of the impact per day, on `told_on`
    and the largest since; `monthly_impact` projects the last week to a month, for incidents that are open or the new
    normal.
    """
    rows = _known(judged.select(NEEDED), hierarchy)
    if not rows.height or not rows.get_column("is_anomaly").any():
        return pl.DataFrame(schema=INCIDENT_SCHEMA)
    parents = Hierarchy(dict(hierarchy.select("series", "parent").iter_rows()))
    organizations = dict(hierarchy.select("series", "organization").iter_rows())
    ledger = ledger_of(rows)
    of = _Setting(parents, organizations, ledger, settings)
    episodes = episodes_of(rows, ledger)
    prices = price_causes(episodes, parents, ledger)
    others = without_prices(causes_of(episodes, parents, ledger), prices, parents, ledger)
    # Of a day's two changes that are unlike, such as a new price and an outage, only one may have been asked for.
    rows_of = {cause: _row(cause, of) for cause in others if cause.direction in settings.directions}
    asked = [cause for cause, row in rows_of.items() if row is not None]
    one_each = in_common(asked, parents, organizations, lambda cause: _row(cause, of) is not None)
    begun: Counter[tuple[str, str, int]] = Counter()
    worth_reporting = []
    for cause in (*prices, *joined(one_each, parents, ledger)):
        place = (cause.series, cause.direction, cause.first)
        # Most causes are joined with no other, and are the first to begin there.
        row = rows_of.get(cause) if begun[place] == 0 else None
        row = row or _row(cause, of, begun[place])
        if row is not None:
            begun[place] += 1
            worth_reporting.append(row)
    return pl.DataFrame(worth_reporting, schema=INCIDENT_SCHEMA, orient="row").sort("first_day", "series", "direction")


def _known(judged: pl.DataFrame, hierarchy: pl.DataFrame) -> pl.DataFrame:
    """The rows of series in the hierarchy, without a copy of all where there are no others."""
    names = judged.select(pl.col("series").unique())
    known = names.join(hierarchy, on="series", how="semi")
    return (
        judged if known.height == names.height else judged.join(known, on="series", how="semi", maintain_order="left")
    )


def _row(cause: Cause, of: _Setting, number: int = 0) -> tuple[object, ...] | None:
    """Return an incident's row; None where it is not worth reporting. `number` as in `incident_id`."""
    ledger, settings = of.ledger, of.settings
    name = of.organizations[cause.series]
    direction = cause.direction
    sign = 1.0 if direction == "up" else -1.0
    day_of_organization = ledger.usual_day(_whole(cause.series, name, of.parents, ledger), cause.since)
    value, usual = _course(cause, ledger)
    of_week = sign * _mean_of_week(value - usual)
    per_day = np.maximum(of_week, sign * _mean_of_latest(cause, value - usual))
    least = max(float(settings.minimum_impact_usd), float(settings.minimum_impact_share) * day_of_organization)
    in_alarm, sure = _certainty(cause)
    is_price = _kind(cause) == PRICE_CHANGE
    news = is_price | is_news(ledger, cause.series, sign, cause.since, cause.last)
    worth_reporting = np.flatnonzero((per_day >= least) & in_alarm & sure & news)
    if not len(worth_reporting):
        return None
    told = int(worth_reporting[0])
    status = _status(cause, ledger)
    impact = float((value - usual).sum())
    return (
        incident_id(name, cause.series, direction, ledger.day(cause.first), number),
        name,
        cause.series,
        _kind(cause),
        direction,
        ledger.day(cause.since),
        ledger.day(cause.last),
        ledger.day(cause.since + told),
        status.value,
        float(value.sum()),
        float(usual.sum()),
        impact,
        impact / len(value),
        sign * float(per_day[told]),
        sign
        * max(
            float(per_day[worth_reporting[0]]),
            float(of_week[worth_reporting[0] :][in_alarm[worth_reporting[0] :]].max()),
        ),
        impact / len(value) / day_of_organization if day_of_organization > 0 else None,
        sign * float(of_week[-1]) * DAYS_A_MONTH if status is not IncidentStatus.ENDED else None,
        max(episode.score for episode in cause.episodes),
        sum(episode.alarms for episode in cause.episodes),
        len({episode.series for episode in cause.episodes}),
    )


def _course(cause: Cause, ledger: Ledger) -> tuple[Floats, Floats]:
    """Return cost and usual cost by day; a new price is applied to usual days, however little the days used."""
    if _kind(cause) != PRICE_CHANGE:
        return ledger.course(cause.series, cause.since, cause.last)
    usual = np.full(cause.last - cause.since + 1, ledger.usual_day(cause.series, cause.since))
    return usual * (1.0 + step_of(cause.episodes[0])), usual


def _mean_of_week(impact: Floats) -> Floats:
    """Return the mean of each day and up to six days before it."""
    summed = np.cumsum(impact)
    before = np.concatenate([np.zeros(min(WEEK, len(impact))), summed[:-WEEK]])
    return np.asarray((summed - before) / np.minimum(np.arange(1, len(impact) + 1), WEEK))


def _mean_of_latest(cause: Cause, impact: Floats) -> Floats:
    """Return the mean of each day and those before it since the latest alarms began, at most a week."""
    begins = np.zeros(len(impact), dtype=np.int64)
    for episode in cause.episodes:
        if episode.series == cause.series and episode.clear is not None:
            begins[episode.first - cause.since] = episode.first - cause.since
    days = np.arange(len(impact))
    begins = np.maximum(np.maximum.accumulate(begins), days - WEEK + 1)
    summed = np.concatenate([[0.0], np.cumsum(impact)])
    return np.asarray((summed[days + 1] - summed[begins]) / (days + 1 - begins))


def _certainty(cause: Cause) -> tuple[Flags, Flags]:
    """Return which days are in alarm, and which follow more than weak alarms: a clear one, days of any, or a fact."""
    days = cause.last - cause.since + 1
    clear, in_alarm = np.zeros((2, days), dtype=np.bool_)
    for episode in cause.episodes:
        in_alarm[episode.first - cause.since : episode.last - cause.since + 1] = True
        sure = episode.first if episode.kind in _FACTS else episode.clear
        if sure is not None:
            clear[sure - cause.since :] = True
    return in_alarm, clear | (np.cumsum(in_alarm) >= _SURE_DAYS)


def _whole(series: str, organization: str, parents: Hierarchy, ledger: Ledger) -> str:
    if organization in ledger.position:
        return organization
    return ([series, *parents.ancestors(series)])[-1]


def _kind(cause: Cause) -> str:
    """Return the kind, from episodes of its own series or else of the first day; later drifts do not count."""
    own = [episode for episode in cause.episodes if episode.series == cause.series]
    own = own or [episode for episode in cause.episodes if episode.first == cause.first]
    first = min(episode.first for episode in own)
    return kind_of([episode.kind for episode in own if not episode.drifts or episode.first == first])


def _status(cause: Cause, ledger: Ledger) -> IncidentStatus:
    """Decide by the week after the last alarm whether costs are as before, or still as changed as in the incident."""
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
