"""A message as JSON for programs, and its signature by the Standard Webhooks specification.

The body, `schema` 1: `id` (the same for the same key, to recognize a repetition), `event`, `key` (`subject`,
`period`, `threshold`), `time` (when it was queued, ISO 8601, UTC), `severity`, `title`, `lines`, `data` (the exact
values, decimals as strings), `link` or null. Keys may be added within a schema, none is removed. The facts and the
table of other channels are left out: they show in rounded text what `data` holds exactly.
"""

import base64
import hashlib
import hmac
import json
from datetime import datetime

from circleci_cost.notify.messages import Envelope
from circleci_cost.notify.webhook_secret import webhook_key


def as_payload(envelope: Envelope) -> bytes:
    """The body of the request, JSON in ASCII."""
    message = envelope.message
    body = {
        "schema": 1,
        "id": envelope.id,
        "event": envelope.key.event,
        "key": {
            "subject": envelope.key.subject,
            "period": envelope.key.period,
            "threshold": envelope.key.threshold,
        },
        "time": envelope.created_at.isoformat(timespec="seconds"),
        "severity": message.severity,
        "title": message.title,
        "lines": list(message.lines),
        "data": message.data,
        "link": message.link,
    }
    return json.dumps(body).encode()


def signed_headers(envelope: Envelope, body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """The headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.

    They follow https://www.standardwebhooks.com, whose libraries verify them. A receiver refuses timestamps older than
    five minutes. Raises ValueError for a secret that `webhook_key` refuses.
    """
    timestamp = str(int(now.timestamp()))
    return {
        "webhook-id": envelope.id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(secret, envelope.id, timestamp, body),
    }


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 of HMAC-SHA256 over `<id>.<timestamp>.<body>`. Raises as `signed_headers`."""
    signed = b".".join([message_id.encode(), timestamp.encode(), body])
    digest = hmac.new(webhook_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
