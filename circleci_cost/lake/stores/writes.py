"""Conditional writes whose outcome is known: a lost answer is looked up, so that a write never fails on itself.

The condition is the store's (If-None-Match, If-Match or a generation); `probe` finds out whether a store honours it.
"""

import secrets

from circleci_cost.errors import StorageError
from circleci_cost.lake.stores.failures import ChangedMeanwhileError, UnclearWriteError
from circleci_cost.lake.stores.objects import ABSENT, Location, Version


def write(location: Location, content: bytes, version: Version | None = None) -> Version:
    """Write an object; with `version` only while it has that one (`ABSENT`: only where there is none).

    Raises `ChangedMeanwhileError` where another process was first.
    """
    mark = secrets.token_hex(8)
    try:
        return location.put(content, version, mark)
    except (ChangedMeanwhileError, UnclearWriteError):
        # The client repeats a request whose answer was lost; the repeated one meets what the first has written.
        written = _version_marked(location, mark)
        if written is None:
            raise
        return written


def _version_marked(location: Location, mark: str) -> Version | None:
    try:
        present, version = location.marked()
    except (FileNotFoundError, StorageError):
        return None
    return version if present == mark else None


def probe(folder: Location) -> None:
    """Find out whether a store can be written, and honours conditions. Raises `StorageError` where it does not."""
    name = f"{folder.key}/check-{secrets.token_hex(8)}".lstrip("/")
    location = Location(folder.scheme, folder.bucket, name)
    first = location.put(b"1", ABSENT)
    try:
        if _is_refused(location, ABSENT):
            second = location.put(b"2", first)
            if _is_refused(location, first) and second != first:
                return
        raise StorageError(
            f"{folder} ignores conditions on writes (If-None-Match, If-Match), so that two processes could overwrite "
            "each other's work; use a store that honours them, such as Amazon S3, MinIO, Ceph 19 or Cloudflare R2."
        )
    finally:
        location.remove()


def _is_refused(location: Location, version: Version) -> bool:
    try:
        location.put(b"3", version)
    except ChangedMeanwhileError:
        return True
    return False
