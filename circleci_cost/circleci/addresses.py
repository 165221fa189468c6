"""Which addresses may be requested: the API's own, and the hosts from which exports are downloaded.

Pure; `http` and `download` send the requests.
"""

import re

import httpx

from circleci_cost.circleci.connection import Connection
from circleci_cost.errors import ConfigurationError, SourceError
from circleci_cost.http.loopback import keeps_secrets

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\Z")
# Other spellings of an IPv4 address that resolvers accept: 2130706433, 0x7f.1, 127.1, 0177.0.0.1
_NUMERIC_HOST = re.compile(r"(0x[0-9a-f]*|\d+)(\.(0x[0-9a-f]*|\d+))*\Z")


def api_address(base_url: str) -> httpx.URL:
    """Return the API's address without a trailing slash.

    Plain http is for the simulator on this machine alone: the token would travel in the open.
    Raises `ConfigurationError`.
    """
    address = _parsed(base_url)
    if address is None or address.scheme not in {"https", "http"} or not address.host:
        raise ConfigurationError(
            "The CircleCI base_url is not a web address; write it like https://circleci.com/api/v2."
        )
    if address.userinfo or address.query or address.fragment:
        raise ConfigurationError(
            f"The CircleCI base_url on {address.host} holds a user, a query or a fragment; write it like "
            "https://circleci.com/api/v2, the token belongs into the environment."
        )
    if not keeps_secrets(address.scheme, address.host):
        raise ConfigurationError(
            f"The CircleCI base_url on {address.host} is plain http, which would send the token in the open; "
            "use https (http is accepted for this machine's own addresses, for the simulator)."
        )
    return address.copy_with(path=address.path.rstrip("/"))


def is_circleci(host: str) -> bool:
    """Whether a host is CircleCI's cloud; CircleCI Server has no usage exports."""
    return host == "circleci.com" or host.endswith(".circleci.com")


def download_address(url: str, part: str, connection: Connection) -> httpx.URL:
    """Return the address to download from. Raises `SourceError` where it may not be requested.

    Allowed is https on port 443 to the configured hosts; where the API itself is a simulator on
    loopback http, its own host over http too. `part` names the part in messages (`part 2 of 3`).
    """
    address = _parsed(url)
    if address is None or not address.host:
        raise SourceError(
            f"The URL of {part} of {_export_name(connection)} is not a web address; nothing was downloaded, try again."
        )
    host = address.raw_host.decode("ascii").lower()
    reason = _refusal(address, host, connection)
    if reason is None:
        return address
    shown = host if _HOST.match(host) else "an unreadable host"
    raise SourceError(
        f"The URL of {part} of {_export_name(connection)} points to {shown}, {reason}; nothing was requested from "
        "it. Add the host to download_hosts only if CircleCI says that it stores exports there."
    )


def identity(url: str) -> str:
    """Return the part of a signed URL that stays the same when it is signed again: its host and path."""
    address = _parsed(url)
    return url if address is None else f"{address.host}{address.path}"


def _refusal(address: httpx.URL, host: str, connection: Connection) -> str | None:
    """Return why an address may not be requested; None where it may."""
    if address.userinfo:
        return "with a user name or password in it"
    api = api_address(connection.base_url)
    if (address.scheme, api.scheme, host) == ("http", "http", api.raw_host.decode("ascii").lower()):
        return None
    if address.scheme != "https":
        return f"over {address.scheme or 'no protocol'} instead of https"
    if address.port is not None:
        return f"on port {address.port} instead of 443"
    allowed = connection.download_hosts
    if not _NUMERIC_HOST.match(host) and any(_matches(host, pattern.lower()) for pattern in allowed):
        return None
    return f"which is not an allowed download host ({', '.join(allowed) or 'none is named'})"


def _matches(host: str, pattern: str) -> bool:
    if not _HOST.match(host):
        return False
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _parsed(url: str) -> httpx.URL | None:
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        return httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return None


def _export_name(connection: Connection) -> str:
    return f"a usage export of {connection.cost_center}"
