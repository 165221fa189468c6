"""Which incidents there are to tell after a publication, that they have grown, and which are over.

What is said is `anomaly_events`'; that something was told before is the outbox's to know.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import duckdb

from circleci_cost.config.notifications import NotificationOwner
from circleci_cost.model.incidents.incidents import IncidentStatus
from circleci_cost.model.usage.conditions import Conditions
from circleci_cost.notify.anomaly_events import anomaly, anomaly_recovered
from circleci_cost.notify.messages import Envelope, Notice
from circleci_cost.notify.outbox import Outbox
from circleci_cost.warehouse.incidents.incidents import IncidentReason, incident_shares, read_incidents, read_reason

# What was found longer ago is history: a first import of 13 months tells of none of it.
_RECENT = timedelta(days=7)
# An owner hears of what is at least half his.
_OWNED = Decimal("0.5")
_OVER = {IncidentStatus.ENDED.value, IncidentStatus.NEW_NORMAL.value}
_EFFECTS = 5


def anomaly_notices(
    connection: duckdb.DuckDBPyConnection, outbox: Outbox, owners: Sequence[NotificationOwner], renotify_at: Decimal
) -> Iterator[Notice]:
    """The incidents of a published generation that are worth telling now."""
    for row in read_incidents(connection).iter_rows(named=True):
        if row["status"] in {IncidentStatus.EXPECTED.value, IncidentStatus.IGNORED.value}:
            continue
        told = outbox.told("anomaly", row["incident_id"])
        is_recent = row["told_on"] > row["data_through"] - _RECENT
        if not told and not is_recent:
            continue
        owner = _owner(connection, owners, row)
        grown = times_grown(row, renotify_at)
        # A restated day may take a little of the growth back; that is no news.
        most = max((int(each.key.threshold) for each in told), default=0)
        if (row["status"] == IncidentStatus.OPEN.value or is_recent) and grown >= most:
            reason = read_reason(connection, row["incident_id"], _EFFECTS)
            yield _told(row, grown, reason, owner)
        # What was never told while it lasted needs no end: a price, or what was over by then, is told as such.
        if row["status"] in _OVER and any(_was_open(each) for each in told):
            yield anomaly_recovered(row, owner=owner)


def times_grown(row: dict[str, Any], factor: Decimal) -> int:
    """How often the impact per day has grown by the factor since it was first worth telling."""
    times, reached = 0, abs(row["told_usd_per_day"]) * factor
    while 0 < reached <= abs(row["peak_usd_per_day"]):
        times, reached = times + 1, reached * factor
    return times


def _was_open(told: Envelope) -> bool:
    return told.message.data["status"] == IncidentStatus.OPEN.value


def _told(row: dict[str, Any], grown: int, reason: IncidentReason, owner: str | None) -> Notice:
    return anomaly(
        row,
        grown,
        why=reason.sentence,
        effects=reason.effects,
        urls=reason.example_urls,
        services=reason.services,
        owner=owner,
    )


def _owner(
    connection: duckdb.DuckDBPyConnection, owners: Sequence[NotificationOwner], row: dict[str, Any]
) -> str | None:
    """The owner whose scope holds most of what the incident's days cost, if that is half of it at least."""
    scoped = [each for each in owners if each.where != Conditions()]
    if not scoped:
        return None
    shares = incident_shares(connection, row, [each.where for each in scoped])
    largest = max(zip(shares, scoped, strict=True), key=lambda each: each[0])
    return largest[1].name if largest[0] >= _OWNED else None
