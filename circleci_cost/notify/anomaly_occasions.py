"""Which incidents to notify after a publication: new ones, ones that have grown, and ones that have ended.

`anomaly_events` words the notices; the outbox knows which were sent before.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any

import duckdb

from circleci_cost.config.notifications import NotificationOwner
from circleci_cost.model.incidents.incidents import IncidentStatus
from circleci_cost.model.usage.conditions import Conditions
from circleci_cost.notify.anomaly_events import anomaly, anomaly_recovered
from circleci_cost.notify.messages import Envelope, Notice
from circleci_cost.notify.outbox import Outbox
from circleci_cost.warehouse.incidents.incidents import IncidentReason, incident_shares, read_incidents, read_reason

# Older incidents are history: the first import of 13 months notifies none of them.
_RECENT = timedelta(days=7)
# An owner is notified of incidents of which at least half the cost is in its scope.
_OWNED = Decimal("0.5")
_OVER = {IncidentStatus.ENDED.value, IncidentStatus.NEW_NORMAL.value}
_EFFECTS = 5


def anomaly_notices(
    connection: duckdb.DuckDBPyConnection, outbox: Outbox, owners: Sequence[NotificationOwner], renotify_at: Decimal
) -> Iterator[Notice]:
    """The notices about incidents of a published generation that are due now; the outbox drops repeated ones."""
    for row in read_incidents(connection).iter_rows(named=True):
        if row["status"] in {IncidentStatus.EXPECTED.value, IncidentStatus.IGNORED.value}:
            continue
        notified = outbox.messages_about("anomaly", row["incident_id"])
        is_recent = row["told_on"] > row["data_through"] - _RECENT
        if not notified and not is_recent:
            continue
        owner = _owner(connection, owners, row)
        grown = times_grown(row, renotify_at)
        # A restated day may reduce the growth a little; that is no news.
        most = max((int(envelope.key.threshold) for envelope in notified), default=0)
        if (row["status"] == IncidentStatus.OPEN.value or is_recent) and grown >= most:
            reason = read_reason(connection, row["incident_id"], _EFFECTS)
            yield _notice(row, grown, reason, owner)
        # Only an incident that was notified while open needs a notice of its end, unlike a price or one over by then.
        if row["status"] in _OVER and any(_was_open(envelope) for envelope in notified):
            yield anomaly_recovered(row, owner=owner)


def times_grown(row: dict[str, Any], factor: Decimal) -> int:
    """How often the impact per day has grown by the factor since the incident was first notified."""
    times, reached = 0, abs(row["told_usd_per_day"]) * factor
    while 0 < reached <= abs(row["peak_usd_per_day"]):
        times, reached = times + 1, reached * factor
    return times


def _was_open(envelope: Envelope) -> bool:
    return envelope.message.data["status"] == IncidentStatus.OPEN.value


def _notice(row: dict[str, Any], grown: int, reason: IncidentReason, owner: str | None) -> Notice:
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
    """The owner whose scope holds the largest share of the incident's cost, if that is at least half of it."""
    scoped = [owner for owner in owners if owner.where != Conditions()]
    if not scoped:
        return None
    shares = incident_shares(connection, row, [owner.where for owner in scoped])
    largest = max(zip(shares, scoped, strict=True), key=itemgetter(0))
    return largest[1].name if largest[0] >= _OWNED else None
