"""The outbox: messages and their channels, on disk before they are sent and marked afterwards, so that none is lost.

It holds a message once per key and channel, over any number of runs, and decides when it is due; `delivery` sends it.
The file is SQLite, safe over processes and kills.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from circleci_cost.clock import Clock
from circleci_cost.config.notifications import Event
from circleci_cost.lake.layout import Lake
from circleci_cost.notify.failures import NotDelivered
from circleci_cost.notify.messages import Envelope, Key, Message
from circleci_cost.notify.outbox_file import OutboxFile, moment, ticks

FIRST_RETRY = timedelta(minutes=1)
LONGEST_RETRY = timedelta(hours=6)
# A message refused for good is tried once a day: somebody may have mended the channel.
RETRY_OF_REFUSED = timedelta(days=1)
LONGEST_WAIT = timedelta(hours=24)
# A process that has not marked its message by then is dead; sending takes less than a minute.
LEASE = timedelta(minutes=5)
EXPIRES_AFTER = timedelta(days=30)
# Longer than any period of a budget, whose message must not be sent again within it.
KEPT = timedelta(days=400)

# A time too far in the future was written while the clock ran ahead, and is ignored.
_NEXT = """
select message_id, attempts, delivered_to, event, subject, period, threshold, content, messages.created_at
from deliveries
join messages on messages.id = deliveries.message_id
where channel = :channel and state in ('pending', 'failed')
    and (next_attempt_at <= :now or next_attempt_at > :now + :longest_wait)
    and (lease_until is null or lease_until <= :now or lease_until > :now + :lease)
order by deliveries.rowid
limit 1"""


@dataclass(frozen=True)
class Claim:
    """A message that this process alone may send to a channel until its lease ends."""

    token: str
    channel: str
    envelope: Envelope
    attempts: int
    delivered_to: frozenset[str]


@dataclass(frozen=True)
class Undelivered:
    """A message that a channel has not got: `pending`, `failed` (refused for good, tried daily) or `expired`."""

    channel: str
    event: str
    subject: str
    state: str
    attempts: int
    reason: str | None


def outbox_path(lake: Lake) -> Path:
    """The path of the outbox of a data directory."""
    return lake.state / "outbox.sqlite"


class Outbox:
    """The outbox in one file. All methods raise `StorageError` where it cannot be used or is damaged."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._file = OutboxFile(path)
        self._clock = clock

    def enqueue(self, key: Key, message: Message, channels: Iterable[str]) -> int:
        """Queue a message for each channel that has had none of this key; return how many were queued."""
        with self._file.transaction() as file:
            now = ticks(self._clock.now())
            file.execute(
                "insert or ignore into messages values (?, ?, ?, ?, ?, ?, ?)",
                (key.id, key.event, key.subject, key.period, key.threshold, message.model_dump_json(), now),
            )
            return sum(
                file.execute(
                    "insert or ignore into deliveries (message_id, channel, created_at, next_attempt_at) "
                    "values (?, ?, ?, ?)",
                    (key.id, channel, now, now),
                ).rowcount
                for channel in channels
            )

    def claim(self, channel: str) -> Claim | None:
        """Take the oldest due message of a channel that no other process has taken; None where there is none."""
        token = uuid.uuid4().hex
        with self._file.transaction() as file:
            row = self._next(file, channel)
            if row is None:
                return None
            message_id, attempts, delivered_to, *columns = row
            file.execute(
                "update deliveries set claim = ?, lease_until = ?, attempts = attempts + 1 "
                "where message_id = ? and channel = ?",
                (token, ticks(self._clock.now() + LEASE), message_id, channel),
            )
            envelope, reached = self._read(columns, delivered_to)
        return Claim(token, channel, envelope, attempts + 1, reached)

    def mark_delivered(self, claim: Claim, recipients: Sequence[str], refused: Mapping[str, NotDelivered]) -> None:
        """Mark a message that a channel took. Only the recipients that it refused are tried again."""
        reached = claim.delivered_to | (set(recipients) - set(refused))
        if refused:
            self._postpone(claim, list(refused.values()), reached)
        else:
            self._mark(claim, "sent", reached, None, None)

    def mark_refused(self, claim: Claim, failure: NotDelivered) -> None:
        """Mark that no recipient got the message, and when to try again."""
        self._postpone(claim, [failure], claim.delivered_to)

    def postpone_channel(self, channel: str, seconds: float) -> None:
        """Send nothing to a channel for `seconds`, at most 24 hours, as its server asked."""
        with self._file.transaction() as file:
            until = ticks(self._clock.now() + min(timedelta(seconds=seconds), LONGEST_WAIT))
            file.execute(
                "update deliveries set next_attempt_at = max(next_attempt_at, ?) "
                "where channel = ? and state in ('pending', 'failed')",
                (until, channel),
            )

    def tidy(self) -> None:
        """Expire messages that no channel took for 30 days, and delete those that ended more than 400 days ago."""
        with self._file.transaction() as file:
            now = self._clock.now()
            file.execute(
                "update deliveries set state = 'expired', ended_at = ? where state in ('pending', 'failed') "
                "and created_at <= ?",
                (ticks(now), ticks(now - EXPIRES_AFTER)),
            )
            old = ticks(now - KEPT)
            # Messages without a period, or of an expired token, recur at every run: deleted, they would be sent again.
            file.execute(
                "delete from deliveries where state in ('sent', 'expired') and ended_at <= ? and message_id not in "
                "(select id from messages where period = '' or event = 'token_expiry')",
                (old,),
            )
            file.execute(
                "delete from messages where created_at <= ? and id not in (select message_id from deliveries)", (old,)
            )

    def retry_now(self) -> None:
        """Make every undelivered message due now, except those that are being sent."""
        with self._file.transaction() as file:
            file.execute(
                "update deliveries set next_attempt_at = ? where state in ('pending', 'failed')",
                (ticks(self._clock.now()),),
            )

    def has_due(self, channels: Iterable[str]) -> bool:
        """Whether a message of these channels is due and no process is sending it.

        Messages of channels that the configuration no longer has stay due until they expire.
        """
        with self._file.transaction() as file:
            return any(self._next(file, channel) is not None for channel in channels)

    def undelivered(self) -> list[Undelivered]:
        """The messages that channels have not got, the oldest first, expired ones too as long as they are kept."""
        with self._file.transaction() as file:
            rows = file.execute(
                "select channel, event, subject, state, attempts, last_error from deliveries "
                "join messages on id = message_id where state <> 'sent' order by deliveries.rowid"
            ).fetchall()
        return [Undelivered(*row) for row in rows]

    def open_message(self, opened_by: Event, closed_by: Event, subject: str) -> Envelope | None:
        """The newest `opened_by` message about a subject that no `closed_by` message of its period has closed.

        None where there is none. So a lasting failure is one message, and its end another.
        """
        with self._file.transaction() as file:
            row = file.execute(
                "select event, subject, period, threshold, content, created_at, "
                "exists (select 1 from messages as closing where closing.event = ? "
                "and closing.subject = opening.subject and closing.period = opening.period) "
                "from messages as opening where event = ? and subject = ? order by rowid desc limit 1",
                (closed_by, opened_by, subject),
            ).fetchone()
        if row is None or row[-1]:
            return None
        envelope, _ = self._read(row[:-1], "[]")
        return envelope

    def messages_about(self, event: Event, subject: str) -> list[Envelope]:
        """All messages about a subject, the oldest first, whether they have been delivered or not."""
        with self._file.transaction() as file:
            rows = file.execute(
                "select event, subject, period, threshold, content, created_at from messages "
                "where event = ? and subject = ? order by rowid",
                (event, subject),
            ).fetchall()
        return [self._read(row, "[]")[0] for row in rows]

    def _next(self, file: sqlite3.Connection, channel: str) -> tuple[Any, ...] | None:
        values = {
            "channel": channel,
            "now": ticks(self._clock.now()),
            "lease": ticks(LEASE),
            "longest_wait": ticks(LONGEST_WAIT),
        }
        row: tuple[Any, ...] | None = file.execute(_NEXT, values).fetchone()
        return row

    def _read(self, columns: Sequence[Any], delivered_to: str) -> tuple[Envelope, frozenset[str]]:
        event, subject, period, threshold, content, created_at = columns
        try:
            message = Message.model_validate_json(content)
            envelope = Envelope(Key(event, subject, period, threshold), message, moment(created_at))
            return envelope, frozenset(json.loads(delivered_to))
        except ValueError:
            raise self._file.damaged("a message in it cannot be read") from None

    def _postpone(self, claim: Claim, failures: Sequence[NotDelivered], reached: Iterable[str]) -> None:
        reason = " ".join(str(failure) for failure in failures)
        if all(failure.permanent for failure in failures):
            self._mark(claim, "failed", reached, reason, RETRY_OF_REFUSED)
            return
        wait = min(FIRST_RETRY * 2 ** min(claim.attempts - 1, 20), LONGEST_RETRY)
        asked = timedelta(seconds=max(failure.retry_after or 0.0 for failure in failures))
        self._mark(claim, "pending", reached, reason, min(max(wait, asked), LONGEST_WAIT))

    def _mark(
        self, claim: Claim, state: str, reached: Iterable[str], reason: str | None, wait: timedelta | None
    ) -> None:
        """Write the outcome, unless the lease has ended and another process has taken the message since."""
        with self._file.transaction() as file:
            now = self._clock.now()
            file.execute(
                "update deliveries set state = ?, delivered_to = ?, last_error = ?, next_attempt_at = ?, "
                "ended_at = ?, claim = null, lease_until = null where message_id = ? and channel = ? and claim = ?",
                (
                    state,
                    json.dumps(sorted(reached)),
                    reason,
                    ticks(now + wait) if wait else ticks(now),
                    None if wait else ticks(now),
                    claim.envelope.id,
                    claim.channel,
                    claim.token,
                ),
            )
