"""Makes the channels that the configuration defines.

No connection is opened and no secret read before a message is sent.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from circleci_cost.clock import Clock
from circleci_cost.config.notifications import (
    AppriseChannel,
    ChannelSection,
    EmailChannel,
    Notifications,
    WebhookChannel,
)
from circleci_cost.notify.apprise_channel import Apprise
from circleci_cost.notify.chat_channel import ChatChannel
from circleci_cost.notify.email_channel import Email
from circleci_cost.notify.failures import NotDelivered
from circleci_cost.notify.messages import Envelope
from circleci_cost.notify.slack_message import as_slack
from circleci_cost.notify.teams_message import as_teams
from circleci_cost.notify.webhook_channel import Webhook

# The chat services: what messages call each, and what makes its body.
_CHATS: dict[str, tuple[str, Callable[[Envelope], bytes]]] = {
    "slack": ("Slack", as_slack),
    "teams": ("Teams", as_teams),
}


class Channel(Protocol):
    """A way to deliver messages to recipients."""

    @property
    def name(self) -> str:
        """The channel's name in the configuration."""
        ...

    @property
    def recipients(self) -> tuple[str, ...]:
        """All recipients of a message."""
        ...

    def send(self, envelope: Envelope, recipients: Sequence[str], seconds: float) -> Mapping[str, NotDelivered]:
        """Send a message to some of the recipients, within `seconds`.

        Returns the recipients that did not get it, with the reason. Raises `NotDelivered` where nobody got it.
        """
        ...


def open_channels(
    notifications: Notifications,
    environment: Mapping[str, str],
    clock: Clock,
    resolve: Callable[[Path], Path] = Path,
) -> tuple[Channel, ...]:
    """The channels, in the order of the configuration; `resolve` is `Settings.resolve`."""
    return tuple(_open(section, environment, clock, resolve) for section in notifications.channels)


def _open(
    section: ChannelSection, environment: Mapping[str, str], clock: Clock, resolve: Callable[[Path], Path]
) -> Channel:
    if isinstance(section, EmailChannel):
        return Email(section, environment, resolve)
    if isinstance(section, WebhookChannel):
        return Webhook(section, clock, environment)
    if isinstance(section, AppriseChannel):
        return Apprise(section, environment)
    kind, render = _CHATS[section.type]
    return ChatChannel(section, clock, environment, kind, render)
