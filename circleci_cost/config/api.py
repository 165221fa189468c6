"""The section `[api]`: the address of CircleCI's API and its limits.

`circleci` sends the requests.
"""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from circleci_cost.circleci.connection import BASE_URL, DOWNLOAD_HOSTS
from circleci_cost.http.loopback import keeps_secrets
from circleci_cost.sections.section import Section

_PATH = "/api/v2"


def api_address(value: str) -> str:
    """The address without a slash at its end. Raises `ValueError` for one that is no API, or would expose the token."""
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    is_safe = host and not parts.username and keeps_secrets(parts.scheme, host)
    address = value.rstrip("/")
    # A part after ? or # would end up before the paths of requests.
    if not is_safe or not address.endswith(_PATH) or parts.query or parts.fragment:
        raise ValueError("write an https:// address ending in /api/v2 (http:// only for a simulator on this machine)")
    return address


class Api(Section):
    """`[api]`: the address of CircleCI's API and its limits; the defaults are CircleCI's own."""

    base_url: Annotated[str, AfterValidator(api_address)] = BASE_URL
    download_hosts: tuple[str, ...] = DOWNLOAD_HOSTS
    posts_per_hour: Annotated[int, Field(ge=1, le=10_000)] = 10
    gets_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 10
