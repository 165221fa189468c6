"""The channel for the services that Apprise knows; an optional extra, imported when a message is sent.

Apprise talks to its services; here is only what it is given, and that it logs no address.
"""

import importlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from circleci_cost.config.notifications import AppriseChannel
from circleci_cost.notify.failures import NotDelivered
from circleci_cost.notify.messages import Envelope
from circleci_cost.notify.plain import as_text
from circleci_cost.notify.secrets import secret
from circleci_cost.notify.single_recipient import SingleRecipient

_KINDS = {"info": "info", "warning": "warning", "critical": "failure"}
# Each service has its own markup; characters that make a mention, a tag or a link are replaced by look-alikes.
_LIKES = str.maketrans({"@": "＠", "<": "‹", ">": "›", "`": "'"})  # noqa: RUF001 - look-alikes are the point
_MARKDOWN_LINK = re.compile(r"\](?=\()")


@dataclass(frozen=True)
class Apprise(SingleRecipient[AppriseChannel]):
    """A service by its Apprise URL."""

    environment: Mapping[str, str] = field(repr=False)

    def send(self, envelope: Envelope, recipients: Sequence[str], seconds: float) -> Mapping[str, NotDelivered]:
        """Send a message. Raises `NotDelivered`."""
        url = secret(self.section.url_env, self.environment)
        apprise = _library()
        services = apprise.Apprise()
        if not services.add(url):
            raise NotDelivered(
                f"The variable {self.section.url_env} of channel {self.name!r} holds no URL that Apprise knows; see "
                "https://appriseit.com/services/."
            )
        accepted = services.notify(
            title=harmless(envelope.message.title),
            body=harmless(as_text(envelope.message)),
            notify_type=_KINDS[envelope.message.severity],
            body_format=apprise.NotifyFormat.TEXT,
            interpret_escapes=False,
            timeout=seconds,
        )
        if not accepted:
            raise NotDelivered(f"The service behind the Apprise channel {self.name!r} did not take the message.")
        return {}


def harmless(text: str) -> str:
    """Text in which no service finds a mention, a tag or a Markdown link."""
    return _MARKDOWN_LINK.sub("] ", text.translate(_LIKES))


def _library() -> Any:
    # Apprise and urllib3 log whole URLs, whose secrets would end up in Dagster's logs.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    try:
        return importlib.import_module("apprise")
    except ImportError:
        raise NotDelivered("Apprise is not installed; install it with `pip install apprise`.") from None
