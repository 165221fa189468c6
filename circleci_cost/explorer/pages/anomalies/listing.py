"""The list of incidents: filters, a timeline, what each one is and comes to."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from circleci_cost.explorer.addresses import Address
from circleci_cost.explorer.page import Content
from circleci_cost.explorer.pages.anomalies.asked import STATUSES, Asked
from circleci_cost.explorer.pages.anomalies.decided import decided
from circleci_cost.explorer.pages.anomalies.timeline import WIDTH, Bar, Timeline
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.anomalies.definition import DIRECTIONS
from circleci_cost.model.incidents.listing import LISTED_DAYS
from circleci_cost.model.incidents.text import certainty, days_text, kind_words, series_text, status_words
from circleci_cost.model.usage.display_names import dimension_name
from circleci_cost.warehouse.incidents.course import read_watched
from circleci_cost.warehouse.incidents.drivers import read_sentences

Row = Mapping[str, Any]

_ORDERS: Mapping[str, Callable[[Row], Any]] = {
    "impact": lambda row: abs(row["impact_usd"]),
    "monthly": lambda row: abs(row["monthly_impact_usd"] or 0),
    "certainty": lambda row: row["score"],
}


@dataclass(frozen=True)
class Line:
    """One incident in the list."""

    incident_id: str
    address: Address
    what: str
    level: str
    kind: str
    why: str | None
    days: str
    status: str
    status_words: str
    direction: str
    impact: Decimal
    share: Decimal | None
    monthly: Decimal | None
    certainty: str
    bar: Bar


@dataclass(frozen=True)
class Choice:
    """One value of a filter: its text, how many incidents have it, and the page with it."""

    text: str
    count: int | None
    address: Address
    is_chosen: bool


def show_list(asked: Asked, snapshot: Snapshot) -> Content:
    """The incidents that are asked for, the newest first."""
    present = decided(snapshot)
    chosen = asked.listing.chosen(present.rows)
    hidden = len(present.rows) - len(chosen)
    through = max((row["data_through"] for row in present.rows), default=None)
    timeline = Timeline.of([row["first_day"] for row in chosen], through) if through else None
    values = {
        "address": asked.address,
        "sort": asked.sort,
        "lines": _lines(asked, chosen, read_sentences(snapshot.connection), timeline),
        "timeline": timeline,
        "width": WIDTH,
        "statuses": _statuses(asked, present.rows),
        "directions": _directions(asked),
        "cost_centers": _names(asked, "cost_center", snapshot.cost_centers),
        "organizations": _names(asked, "organization", asked.organizations),
        "is_narrowed": bool(asked.listing.cost_center or asked.listing.organization or asked.listing.direction),
        "hidden": hidden,
        "listed_days": LISTED_DAYS,
        "watched": snapshot.facts.remembered("watched series", lambda: read_watched(snapshot.connection)),
        "is_empty": not present.rows,
    }
    return Content("anomalies.html", values)


def in_order(asked: Asked, rows: Sequence[Row]) -> Sequence[Row]:
    """The rows as the address sorts them; as they are read, the newest are first."""
    if asked.sort not in _ORDERS:
        return rows
    return sorted(rows, key=_ORDERS[asked.sort], reverse=True)


def _lines(
    asked: Asked, rows: Sequence[Row], sentences: Mapping[str, str], timeline: Timeline | None
) -> Sequence[Line]:
    return [
        Line(
            row["incident_id"],
            Address("/anomalies", (("incident", row["incident_id"]),)),
            series_text(row),
            dimension_name(row["series_kind"]),
            kind_words(row),
            sentences.get(row["incident_id"]),
            days_text(row["first_day"], row["last_day"]),
            row["status"],
            status_words(row),
            row["direction"],
            row["impact_usd"],
            row["impact_share"],
            row["monthly_impact_usd"],
            certainty(row),
            timeline.bar(row["first_day"], row["last_day"]),
        )
        for row in in_order(asked, rows)
        if timeline
    ]


def _statuses(asked: Asked, rows: Sequence[Row]) -> Sequence[Choice]:
    listing, address = asked.listing, asked.address
    counts = Counter(row["status"] for row in rows)
    return [
        Choice("Current", None, address.changed(status=None, all=None), listing.status is None and not listing.every),
        *(
            Choice(
                status_words({"status": status}).capitalize(),
                counts[status],
                address.changed(status=status, all=None),
                listing.status == status,
            )
            for status in STATUSES
        ),
        Choice("All", len(rows), address.changed(status=None, all="1"), listing.every and listing.status is None),
    ]


def _directions(asked: Asked) -> Sequence[Choice]:
    texts = [(None, "Up and down"), *((direction, direction.capitalize()) for direction in DIRECTIONS)]
    return [
        Choice(text, None, asked.address.changed(direction=value), asked.listing.direction == value)
        for value, text in texts
    ]


def _names(asked: Asked, parameter: str, names: Sequence[str]) -> Sequence[Choice]:
    chosen = getattr(asked.listing, parameter)
    return [
        Choice("all", None, asked.address.changed(**{parameter: None}), chosen is None),
        *(Choice(name, None, asked.address.changed(**{parameter: name}), chosen == name) for name in names),
    ]
