"""Who hears of what: the channels of a notice, and putting it into the outbox for them.

What the notices say is `events`'; sending them is `delivery`'s work.
"""

from collections.abc import Iterable

from circleci_cost.config.notifications import Notifications
from circleci_cost.notify.messages import Notice
from circleci_cost.notify.outbox import Outbox


def channels_for(notifications: Notifications, event: str, owner: str | None = None) -> tuple[str, ...]:
    """The names of the channels that hear of an event.

    Of an owner's budgets and digests, the owner's channels hear; of everything else, and of budgets whose owner has
    no section, all channels do. In both cases only those whose `events` list the event.
    """
    section = notifications.owner(owner) if owner is not None else None
    return tuple(
        channel.name
        for channel in notifications.channels
        if event in channel.events and (section is None or channel.name in section.channels)
    )


def enqueue_all(outbox: Outbox, notifications: Notifications, notices: Iterable[Notice]) -> int:
    """Put notices into the outbox, with the link of the configuration; return how many messages that makes.

    What was there already is not put there again. Raises `StorageError`.
    """
    queued = 0
    for notice in notices:
        # What nobody wants to hear is not kept: a channel that is added later begins with what is true then.
        if channels := channels_for(notifications, notice.key.event, notice.owner):
            message = notice.message.model_copy(update={"link": notifications.link})
            queued += outbox.enqueue(notice.key, message, channels)
    return queued
