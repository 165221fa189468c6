"""The channel of any server that takes our JSON: one HTTP request, signed where it has a secret.

`payload` renders the message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from circleci_cost.clock import Clock
from circleci_cost.config.notifications import WebhookChannel
from circleci_cost.notify.failures import NotDelivered
from circleci_cost.notify.http import checked_url, post
from circleci_cost.notify.messages import Envelope
from circleci_cost.notify.payload import as_payload, signed_headers
from circleci_cost.notify.secrets import secret
from circleci_cost.notify.single_recipient import SingleRecipient
from circleci_cost.notify.webhook_secret import unusable


@dataclass(frozen=True)
class Webhook(SingleRecipient[WebhookChannel]):
    """A server that takes our JSON, signed where it has a secret."""

    clock: Clock
    environment: Mapping[str, str] = field(repr=False)

    def send(self, envelope: Envelope, recipients: Sequence[str], seconds: float) -> Mapping[str, NotDelivered]:
        """Post a message. Raises `NotDelivered`."""
        body, now = as_payload(envelope), self.clock.now()
        headers = {}
        if self.section.secret_env:
            try:
                headers = signed_headers(envelope, body, secret(self.section.secret_env, self.environment), now)
            except ValueError as error:
                raise NotDelivered(unusable(self.section.secret_env, str(error))) from None
        post(self._url(), body, headers, f"The webhook {self.name!r}", now=now, seconds=seconds)
        return {}

    def _url(self) -> str:
        if self.section.url_env is None:
            return checked_url(self.section.url or "", f"The url of channel {self.name!r}")
        source = f"The variable {self.section.url_env} of channel {self.name!r}"
        return checked_url(secret(self.section.url_env, self.environment), source)
