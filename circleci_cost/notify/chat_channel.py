"""The channel of a chat service: one HTTP request to an address that is a secret.

Which services there are, and how their messages look, is in `channels`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from circleci_cost.clock import Clock
from circleci_cost.config.notifications import ChatSection
from circleci_cost.notify.failures import NotDelivered
from circleci_cost.notify.http import checked_url, post
from circleci_cost.notify.messages import Envelope
from circleci_cost.notify.secrets import secret
from circleci_cost.notify.single_recipient import SingleRecipient


@dataclass(frozen=True)
class ChatChannel(SingleRecipient[ChatSection]):
    """A channel of a chat service: `kind` names the service in messages, `render` makes its body."""

    clock: Clock
    environment: Mapping[str, str] = field(repr=False)
    kind: str
    render: Callable[[Envelope], bytes] = field(repr=False)

    def send(self, envelope: Envelope, recipients: Sequence[str], seconds: float) -> Mapping[str, NotDelivered]:
        """Post a message. Raises `NotDelivered`."""
        variable = self.section.url_env
        url = checked_url(secret(variable, self.environment), f"The variable {variable} of channel {self.name!r}")
        who = f"{self.kind} (channel {self.name!r})"
        post(url, self.render(envelope), {}, who, now=self.clock.now(), seconds=seconds)
        return {}
