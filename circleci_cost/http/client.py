"""The HTTP client of every conversation: certificates verified, no redirects, no cookies, nothing in a log.

How long a whole conversation may take is `watchdog`'s; what is sent, and what answers mean, is each caller's.
"""

import functools
import logging
import ssl
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from circleci_cost.http.loopback import is_loopback


def open_client(host: str, headers: Mapping[str, str], *, connect: float, read: float) -> httpx.Client:
    """Return a client for a host that sends `headers` with each request; `connect` and `read` are seconds.

    Proxies and certificates of the environment are heeded, except where the host is this machine itself.
    """
    _quiet_loggers()
    return httpx.Client(
        headers=headers,
        timeout=httpx.Timeout(read, connect=connect),
        follow_redirects=False,
        trust_env=not is_loopback(host),
        verify=_verification(),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        # Requests are seconds to minutes apart: a kept connection would mostly be a dead one.
        limits=httpx.Limits(max_keepalive_connections=0),
    )


@functools.cache
def _verification() -> ssl.SSLContext:
    """Return httpx's own defaults, SSL_CERT_FILE included; reading all certificates takes 50 ms each time."""
    return httpx.create_ssl_context()


def _quiet_loggers() -> None:
    """Keep httpx from logging whole signed URLs (it does at INFO) and httpcore from logging headers."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
