"""Addresses of web pages and services in the configuration, none of which may hold a secret.

The address of CircleCI's API is `api`'s; addresses within the explorer are `explorer`'s.
"""

import re
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator

from circleci_cost.text.secrets import without_secrets


def web_address(value: str) -> str:
    """The address, unchanged. Raises `ValueError` for one without a host, or with a password."""
    parts = urlsplit(value)
    if not value.isascii() or not value.isprintable() or re.search(r"[\s<>\"\\]", value) or not parts.hostname:
        raise ValueError("write an address such as https://example.com/path")
    if parts.username or parts.password:
        raise ValueError("there is a user name or password in it; put the address into a variable and write url_env")
    return value


def _page(value: str) -> str:
    if urlsplit(value).scheme not in {"https", "http"}:
        raise ValueError("write the https:// (or http://) address of your Dagster or explorer")
    if without_secrets(value) != value:
        raise ValueError("this looks like a webhook's address, which is a secret and no page to open")
    return web_address(value).rstrip("/")


# A page to link to, without a slash at its end.
PageAddress: TypeAlias = Annotated[str, AfterValidator(_page)]
