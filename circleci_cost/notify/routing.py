"""Which channels get a notice, and putting it into the outbox for them.

`events` words the notices; `delivery` sends them.
"""

from collections.abc import Iterable

from circleci_cost.config.notifications import Notifications
from circleci_cost.notify.messages import Notice
from circleci_cost.notify.outbox import Outbox


def channels_for(notifications: Notifications, event: str, owner: str | None = None) -> tuple[str, ...]:
    """The names of the channels that get the notice of an event.

    Notices of an owner go to the owner's channels; all others, and those of an owner without a section, go to all
    channels. In both cases only to channels whose `events` include the event.
    """
    section = notifications.owner(owner) if owner is not None else None
    return tuple(
        channel.name
        for channel in notifications.channels
        if event in channel.events and (section is None or channel.name in section.channels)
    )


def enqueue_all(outbox: Outbox, notifications: Notifications, notices: Iterable[Notice]) -> int:
    """Put notices into the outbox, with the configured link; return how many messages were added.

    A notice that is already in the outbox is not added again. Raises `StorageError`.
    """
    queued = 0
    for notice in notices:
        # A notice that no channel wants is not kept: a channel added later starts with what is true then.
        if channels := channels_for(notifications, notice.key.event, notice.owner):
            message = notice.message.model_copy(update={"link": notifications.link})
            queued += outbox.enqueue(notice.key, message, channels)
    return queued
