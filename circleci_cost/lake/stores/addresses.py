"""What the address of a data directory in an object store looks like: `s3://bucket/prefix`, `gs://…`, `az://…`.

No store is asked here; `clients` opens them, with credentials that never stand in an address.
"""

import re
from urllib.parse import urlsplit

SCHEMES = ("s3", "gs", "az")
# What is before :// in such addresses, and what a bucket or container is called in the store's own words.
STORE_NAMES = {"s3": "S3", "gs": "Google Cloud Storage", "az": "Azure Blob Storage"}
CONTAINER_WORDS = {"s3": "bucket", "gs": "bucket", "az": "container"}
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,221}[A-Za-z0-9]")
# Other characters are written differently in a key, an address and a listing.
_PREFIX = re.compile(r"(?:[A-Za-z0-9=_][A-Za-z0-9=_.-]*(?:/|$))*")
_LONGEST = 512


def is_address(text: str) -> bool:
    """Whether this is meant as an address, not as a path of this machine."""
    return "://" in text


def checked_address(text: str) -> str:
    """Return the address of a data directory without a slash at its end.

    Raises `ValueError` with a sentence that repeats nothing that could be a secret.
    """
    scheme = text.partition("://")[0]
    if scheme not in SCHEMES:
        raise ValueError("write a folder, or an address that begins with s3://, gs:// or az://")
    parts = urlsplit(text)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError(
            f"write {scheme}://{CONTAINER_WORDS[scheme]}/folder only; credentials and endpoints come from the "
            "environment"
        )
    if not _BUCKET.fullmatch(parts.netloc):
        raise ValueError(f"write the name of a {CONTAINER_WORDS[scheme]} after {scheme}://")
    prefix = parts.path.strip("/")
    if not _PREFIX.fullmatch(prefix) or len(prefix) > _LONGEST:
        raise ValueError(
            f"use letters, digits and = _ . - between the slashes after the {CONTAINER_WORDS[scheme]}, "
            f"{_LONGEST} characters at most"
        )
    return f"{scheme}://{parts.netloc}/{prefix}".rstrip("/")
