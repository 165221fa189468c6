"""Posts one request to a webhook: bounded in time, no redirects followed, no address in any message.

The renderers write the body; the outbox decides when to try again.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx

from circleci_cost import __version__
from circleci_cost.http.causes import (
    NO_CONNECTION,
    NOT_IN_DNS,
    causes_of,
    is_unknown_host,
    refused_certificate,
    untrusted,
)
from circleci_cost.http.client import open_client
from circleci_cost.http.loopback import keeps_secrets
from circleci_cost.http.retry_after import retry_after
from circleci_cost.http.statuses import is_temporary
from circleci_cost.http.watchdog import Watchdog
from circleci_cost.notify.failures import NotDelivered

CONNECT_SECONDS = 10.0
_READ_SECONDS = 15.0
_MAX_REASON_BYTES = 200
# An error code of a service, such as Slack's `no_service`; any other text could repeat the address.
_CODE = re.compile(r"[a-z][a-z_]{2,40}")


def checked_url(url: str, source: str) -> str:
    """The address if it may be used. Raises a `NotDelivered` that names `source`, never the address."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        parts, host = urlsplit(""), None
    if host and keeps_secrets(parts.scheme, host):
        return url
    raise NotDelivered(f"{source} holds no https:// address; copy the webhook's address again.")


def post(url: str, body: bytes, headers: Mapping[str, str], who: str, *, now: datetime, seconds: float) -> None:
    """Post JSON; return when the server has accepted it.

    `who` names the server in messages; a date in Retry-After counts from `now`; `seconds` bounds the whole request.
    Raises `NotDelivered`.
    """
    sent = {"content-type": "application/json", "user-agent": f"circleci-cost/{__version__}", **headers}
    bounds = {"connect": min(CONNECT_SECONDS, seconds), "read": min(_READ_SECONDS, seconds)}
    try:
        with Watchdog(seconds) as watchdog, open_client(urlsplit(url).hostname or "", sent, **bounds) as client:
            request = client.build_request("POST", url, content=body, extensions={"trace": watchdog.trace})
            _send(client, request, who, now)
    except httpx.HTTPError as error:
        # Its text and its chain may hold the address.
        raise NotDelivered(f"{who} {_reason(error, seconds, expired=watchdog.expired)}.") from None


def _send(client: httpx.Client, request: httpx.Request, who: str, now: datetime) -> None:
    response = client.send(request, stream=True)
    try:
        if response.is_success:
            return
        status = response.status_code
        if response.is_redirect:
            raise NotDelivered(
                f"{who} redirects ({status}), which is not followed; use the address it redirects to.", permanent=True
            )
        wait = retry_after(response.headers, now)
        temporary = is_temporary(status)
        raise NotDelivered(
            f"{who} answered {_status_text(status)}{_code(response, str(request.url))}.",
            permanent=not temporary,
            retry_after=wait if temporary else None,
        )
    finally:
        response.close()


def _status_text(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _code(response: httpx.Response, url: str) -> str:
    """The service's own error code, where its answer consists of nothing else."""
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _MAX_REASON_BYTES:
            return ""
    text = body.decode("ascii", errors="replace").strip()
    return f" ({text})" if _CODE.fullmatch(text) and text not in url else ""


def _reason(error: httpx.HTTPError, seconds: float, *, expired: bool) -> str:
    causes = causes_of(error)
    if (certificate := refused_certificate(causes)) is not None:
        return f"{untrusted(certificate)}; for a certificate authority of your own set SSL_CERT_FILE"
    if expired or isinstance(error, httpx.TimeoutException):
        return f"did not answer within {seconds:g} s"
    if is_unknown_host(causes):
        return f"{NOT_IN_DNS}; check the address and the network"
    if isinstance(error, httpx.ConnectError):
        return f"{NO_CONNECTION}; check the address, the network and proxies"
    return "broke the connection off before it had answered"
