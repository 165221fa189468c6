"""Which incidents to notify after a publication: new ones, ones that have grown, and ones that have ended.

`anomaly_events` words the notices; the outbox knows which were sent before.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any

import duckdb

from circleci_cost.config.notifications import OWNED_SHARE, NotificationOwner
from circleci_cost.model.incidents.incidents import IncidentStatus
from circleci_cost.model.incidents.ledger import PRICE_CHANGE
from circleci_cost.model.incidents.text import as_json
from circleci_cost.model.usage.conditions import Conditions
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, HIERARCHY
from circleci_cost.notify.anomaly_events import anomaly, anomaly_recovered
from circleci_cost.notify.messages import Envelope, Notice
from circleci_cost.notify.outbox import Outbox
from circleci_cost.warehouse.incidents.incidents import IncidentReason, incident_shares, read_incidents, read_reason

# Older incidents are history: the first import of 13 months notifies none of them.
_RECENT = timedelta(days=7)
_OVER = {IncidentStatus.ENDED.value, IncidentStatus.NEW_NORMAL.value}
_EFFECTS = 5


def anomaly_notices(
    connection: duckdb.DuckDBPyConnection, outbox: Outbox, owners: Sequence[NotificationOwner], renotify_at: Decimal
) -> Iterator[Notice]:
    """The notices about incidents of a published generation that are due now; the outbox drops repeated ones."""
    rows = read_incidents(connection).to_dicts()
    messages = {row["incident_id"]: outbox.messages_about("anomaly", row["incident_id"]) for row in rows}
    sent = [envelope for about in messages.values() for envelope in about]
    for row in rows:
        if row["status"] in {IncidentStatus.EXPECTED.value, IncidentStatus.IGNORED.value}:
            continue
        notified = messages[row["incident_id"]]
        is_recent = row["told_on"] > row["data_through"] - _RECENT
        if not notified and (not is_recent or any(_was_part_of(envelope, row) for envelope in sent)):
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


def _was_part_of(envelope: Envelope, row: dict[str, Any]) -> bool:
    """Whether people were notified of an incident as a part of another one, or by its parts.

    Then it was worth reporting by the day that the notice knew, in a series above or below, and was not reported: a
    further day may show that a project's incident is one of each of its jobs.
    """
    sent, own = envelope.message.data, as_json(row)
    same_way = all(sent[name] == own[name] for name in ("direction", "tag", "tag_value"))
    both_prices = (sent["kind"] == PRICE_CHANGE) == (own["kind"] == PRICE_CHANGE)
    in_line = all(sent[name] in {own[name], None} or own[name] is None for name in (*HIERARCHY, CHARGE_TYPE))
    days = {name: str(sent[name]) for name in ("first_day", "last_day", "data_through")}
    shares_days = own["first_day"] <= days["last_day"] and own["last_day"] >= days["first_day"]
    # A run that was ended between two notices of one publication is made again.
    was_known = own["told_on"] <= days["data_through"] < own["data_through"]
    return same_way and both_prices and in_line and shares_days and was_known


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
    return largest[1].name if largest[0] >= OWNED_SHARE else None
