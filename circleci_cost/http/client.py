"""The HTTP client that all callers use: certificates verified, no redirects, no cookies, nothing logged.

`watchdog` bounds how long a whole request may take. What is sent, and what answers mean, is up to the callers.
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

    Proxies and certificates set in the environment apply, except where the host is this machine itself.
    """
    _quiet_loggers()
    return httpx.Client(
        headers=headers,
        timeout=httpx.Timeout(read, connect=connect),
        follow_redirects=False,
        trust_env=not is_loopback(host),
        verify=_verification(),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        # Requests are seconds to minutes apart: a connection kept alive would mostly be dead by the next one.
        limits=httpx.Limits(max_keepalive_connections=0),
    )


@functools.cache
def _verification() -> ssl.SSLContext:
    """Return httpx's default context, SSL_CERT_FILE included; cached, as reading all certificates takes 50 ms."""
    return httpx.create_ssl_context()


def _quiet_loggers() -> None:
    """Keep httpx from logging whole signed URLs (it does at INFO) and httpcore from logging headers."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
