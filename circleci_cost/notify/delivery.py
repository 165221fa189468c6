"""Sends the due messages of the outbox: all channels at the same time, so that none can fail or delay the others.

The outbox decides which messages are due and when to try again.
"""

import functools
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from circleci_cost.notify.bounded import run_bounded
from circleci_cost.notify.channels import Channel
from circleci_cost.notify.failures import NotDelivered
from circleci_cost.notify.messages import Envelope
from circleci_cost.notify.outbox import Claim, Outbox


@dataclass(frozen=True)
class Limits:
    """Seconds that one message may take, and seconds after which a channel starts no further message."""

    message: float = 20.0
    channel: float = 30.0


@dataclass(frozen=True)
class DeliveryReport:
    """The result of one delivery: numbers of messages (one per channel), and a sentence for each problem."""

    sent: int
    waiting: int
    failed: int
    expired: int
    problems: tuple[str, ...]


def deliver(outbox: Outbox, channels: Sequence[Channel], limits: Limits | None = None) -> DeliveryReport:
    """Send the due messages. A failing channel becomes a sentence of the report; only the outbox raises `StorageError`.

    Takes at most the sum of the limits plus a second.
    """
    limits = limits or Limits()
    outbox.tidy()
    stop = threading.Event()
    timer = threading.Timer(limits.channel, stop.set)
    timer.daemon = True
    timer.start()
    tasks = {channel.name: functools.partial(_work, outbox, channel, stop, limits) for channel in channels}
    try:
        outcomes = run_bounded(tasks, limits.channel + limits.message + 1)
    finally:
        stop.set()
        timer.cancel()
    for outcome in outcomes.values():
        if isinstance(outcome, BaseException):
            raise outcome
    late = [name for name in tasks if name not in outcomes]
    return _report(outbox, sum(sent for sent in outcomes.values() if isinstance(sent, int)), tasks, late)


def try_channels(envelope: Envelope, channels: Sequence[Channel], seconds: float) -> dict[str, list[str]]:
    """Send one message without the outbox; return the failures of each channel."""
    tasks = {
        channel.name: functools.partial(_attempt, channel, envelope, channel.recipients, seconds)
        for channel in channels
    }
    outcomes = run_bounded(tasks, seconds + 1)
    failures: dict[str, list[str]] = {}
    for name in tasks:
        outcome = outcomes.get(name, NotDelivered(f"The channel {name!r} did not answer within {seconds:g} s."))
        if isinstance(outcome, NotDelivered):
            failures[name] = [str(outcome)]
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            failures[name] = [str(failure) for failure in outcome.values()]
    return failures


def _work(outbox: Outbox, channel: Channel, stop: threading.Event, limits: Limits) -> int:
    """Send a channel's messages until none is due, time is up, or one has to wait; return how many were sent."""
    sent = 0
    while not stop.is_set() and (claim := outbox.claim(channel.name)):
        failures = _deliver_one(outbox, channel, claim, limits.message)
        sent += not failures
        waiting = [failure for failure in failures if not failure.permanent]
        if waiting:
            # A server that could not take this message would not take the next one now.
            if asked := max(failure.retry_after or 0.0 for failure in waiting):
                outbox.postpone_channel(channel.name, asked)
            break
    return sent


def _deliver_one(outbox: Outbox, channel: Channel, claim: Claim, seconds: float) -> list[NotDelivered]:
    recipients = [recipient for recipient in channel.recipients if recipient not in claim.delivered_to]
    try:
        refused = _attempt(channel, claim.envelope, recipients, seconds) if recipients else {}
    except NotDelivered as failure:
        outbox.mark_refused(claim, failure)
        return [failure]
    outbox.mark_delivered(claim, recipients, refused)
    return list(refused.values())


def _attempt(
    channel: Channel, envelope: Envelope, recipients: Sequence[str], seconds: float
) -> dict[str, NotDelivered]:
    try:
        return dict(channel.send(envelope, recipients, seconds))
    except NotDelivered:
        raise
    except Exception as error:
        # A bug of ours or of a library in one channel must not keep the message from being tried again. The error's
        # own text may hold an address.
        raise NotDelivered(
            f"The channel {channel.name!r} failed in a way that is not foreseen ({type(error).__name__}); please "
            "report it."
        ) from None


def _report(outbox: Outbox, sent: int, known: Collection[str], late: Sequence[str]) -> DeliveryReport:
    left = outbox.undelivered()
    kept = [message for message in left if message.state != "expired"]
    reasons = [message.reason for message in kept if message.reason and message.channel in known]
    orphans = sorted({message.channel for message in kept if message.channel not in known})
    problems = [
        *dict.fromkeys(reasons),
        *(f"The channel {name!r} did not end in time; what it had taken is tried again." for name in late),
        *(
            f"Messages wait for the channel {name!r}, which the configuration does not have; add it again, or let them "
            "expire after 30 days."
            for name in orphans
        ),
    ]
    states = [message.state for message in left]
    return DeliveryReport(
        sent=sent,
        waiting=states.count("pending"),
        failed=states.count("failed"),
        expired=states.count("expired"),
        problems=tuple(problems),
    )
