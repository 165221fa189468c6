"""`[api]`: where CircleCI's API is and what it allows."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from circleci_cost.circleci.connection import BASE_URL, DOWNLOAD_HOSTS
from circleci_cost.sections.section import Section


def _base_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme == "https" and parts.hostname and not parts.username:
        return value.rstrip("/")
    if parts.scheme == "http" and _is_loopback(parts.hostname or ""):
        return value.rstrip("/")
    raise ValueError("write an https:// address ending in /api/v2 (http:// only for a simulator on this machine)")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Api(Section):
    """`[api]`: where CircleCI's API is and what it allows; the defaults are CircleCI's own."""

    base_url: Annotated[str, AfterValidator(_base_url)] = BASE_URL
    download_hosts: tuple[str, ...] = DOWNLOAD_HOSTS
    posts_per_hour: Annotated[int, Field(ge=1, le=10_000)] = 10
    gets_per_minute: Annotated[int, Field(ge=1, le=10_000)] = 10
