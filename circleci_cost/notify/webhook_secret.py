"""The secret of a signed webhook: base64, with or without `whsec_` before it, by the Standard Webhooks specification.

`secrets` reads it; `payload` signs with it.
"""

import base64
import binascii
from collections.abc import Mapping

from circleci_cost.config.notifications import ChannelSection, WebhookChannel
from circleci_cost.sections.section import shown_variable
from circleci_cost.text.units import counted

_PREFIX = "whsec_"
# The specification's least length. A shorter text without the prefix is more likely a word that happens to be base64.
_LEAST_BYTES = 24
_ADVICE = (
    "make one with `openssl rand -base64 32`, or write `printf %s SECRET | base64 -w0` of a secret that is plain text"
)


def webhook_key(secret: str) -> bytes:
    """The key that a secret encodes. Raises ValueError, without the secret in it, where it encodes none."""
    is_marked = secret.startswith(_PREFIX)
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError as error:
        if not isinstance(error, binascii.Error) and secret.isascii():
            raise
        raise ValueError(f"the secret is not base64 (with or without whsec_ before it); {_ADVICE}") from None
    if not key or (len(key) < _LEAST_BYTES and not is_marked):
        raise ValueError(
            f"the secret is base64 of {counted(len(key), 'byte')}, and Standard Webhooks asks for 24 to 64; {_ADVICE}"
        )
    return key


def unusable_secret(channel: ChannelSection, environment: Mapping[str, str]) -> str | None:
    """The sentence about a channel's secret that is set and cannot sign; None where it can, or is not set."""
    if not isinstance(channel, WebhookChannel) or channel.secret_env is None:
        return None
    value = environment.get(channel.secret_env, "").strip()
    try:
        if value:
            webhook_key(value)
    except ValueError as error:
        return unusable(channel.secret_env, str(error))
    return None


def unusable(variable: str, reason: str) -> str:
    """The sentence about a variable whose secret cannot be used."""
    return f"The variable {shown_variable(variable, 'secret_env')} cannot be used: {reason}."
