"""Compares files with the sizes and checksums that a manifest lists, at the speed of the disk.

Which files are listed where is not decided here.
"""

import errno
import hashlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from circleci_cost.lake.files import storage_errors

MISSING = "it is missing"
_CHUNK = 1 << 20
_ABSENT = {errno.ENOENT, errno.ENOTDIR}
_UNREADABLE = {errno.EIO, errno.EISDIR, errno.ELOOP}


@dataclass(frozen=True)
class Listed:
    """The size and checksum that a manifest lists for a file."""

    bytes: int
    sha256: str


def compare(files: Mapping[Path, Listed], tell: Callable[[int], object]) -> dict[Path, str]:
    """The files that are not as listed, each with what is wrong; `tell` gets the bytes that were read, as they are.

    Raises `StorageError` for a file that may not be read.
    """
    # Hashing leaves Python's lock alone: the threads use all cores, and wait for the disk together.
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        reasons = threads.map(lambda path: _reason(path, files[path], tell), files)
        return {path: reason for path, reason in zip(files, reasons, strict=True) if reason}


def _reason(path: Path, listed: Listed, tell: Callable[[int], object]) -> str:
    digest, read = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                read += len(chunk)
                tell(len(chunk))
    except OSError as error:
        if error.errno in _ABSENT:
            return MISSING
        if error.errno in _UNREADABLE:
            return f"it cannot be read ({error.strerror})"
        with storage_errors(path, "read"):
            raise
    if read != listed.bytes:
        return f"it has {read:,} bytes, and its manifest lists {listed.bytes:,}"
    return "" if digest.hexdigest() == listed.sha256 else "its content is not what its manifest lists (sha256)"
