"""Addresses of web pages and services in the configuration, none of which may hold a secret.

The address of CircleCI's API is `api`'s; addresses within the explorer are `explorer`'s.
"""

import re
from contextlib import suppress
from typing import Annotated, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator

from circleci_cost.text.secrets import without_secrets

_HOW = "write an address such as https://example.com/path"


def parted(value: str) -> SplitResult:
    """The parts of an address. Raises `ValueError`, without repeating any of them, for one that has none."""
    # What `urlsplit` says about some addresses repeats the password in them.
    with suppress(ValueError):
        if value.isascii() and value.isprintable() and not re.search(r"[\s<>\"\\]", value):
            return urlsplit(value)
    raise ValueError(_HOW)


def web_address(value: str, instead: str = "put the address into a variable and write url_env") -> str:
    """The address, unchanged. Raises `ValueError` for one without a host, or with a password: `instead` of that."""
    parts = parted(value)
    if not parts.hostname:
        raise ValueError(_HOW)
    if parts.username or parts.password:
        raise ValueError(f"there is a user name or password in it; {instead}")
    return value


def _page(value: str) -> str:
    if parted(value).scheme not in {"https", "http"}:
        raise ValueError("write the https:// (or http://) address of your Dagster or explorer")
    if without_secrets(value) != value:
        raise ValueError("this looks like a webhook's address, which is a secret and no page to open")
    return web_address(value, "leave it out: the page asks for it").rstrip("/")


# A page to link to, without a slash at its end.
PageAddress: TypeAlias = Annotated[str, AfterValidator(_page)]
