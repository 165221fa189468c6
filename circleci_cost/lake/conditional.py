"""The primitive that decides races: write a file only where it is absent, or still as it was read.

In an object store the store decides; on a disk the same is done under a lock. Which files need it is their writers'
business; what only one process writes at a time has `files.atomic_path`.
"""

import hashlib
import os
import random
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from circleci_cost.lake.files import TEMPORARY_PREFIX, fsync_directory, fsync_file, storage_errors
from circleci_cost.lake.stores.failures import ChangedMeanwhileError, changed_meanwhile
from circleci_cost.lake.stores.leases import require_leases
from circleci_cost.lake.stores.objects import ABSENT, Version
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.stores.writes import write
from circleci_cost.lake.turns import turn

__all__ = ["ABSENT", "ChangedMeanwhileError", "State", "replace_if", "state_of", "update"]

_TRIES = 30


@dataclass(frozen=True)
class State:
    """The content of a file and what identifies it; `content` is None and `version` `ABSENT` where there is none."""

    content: bytes | None
    version: Version


def state_of(path: Path) -> State:
    """Read a file and its version. Raises `StorageError`."""
    try:
        if isinstance(path, StorePath):
            content, meta = path.location.read()
            return State(content, meta.version)
        with storage_errors(path, "read"):
            content = path.read_bytes()
    except FileNotFoundError:
        return State(None, ABSENT)
    return State(content, _version(content))


def replace_if(path: Path, content: bytes, version: Version) -> Version:
    """Write a file only while it has `version` (`ABSENT`: only where there is none), and return its new version.

    No write happens under a lease that is lost. Raises `ChangedMeanwhileError` where another process was first, and
    `StorageError`.
    """
    if isinstance(path, StorePath):
        require_leases()
        return write(path.location, content, version)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}-{path.name}"
        try:
            temporary.write_bytes(content)
            fsync_file(temporary)
            if version == ABSENT:
                _link(temporary, path)
            else:
                with turn(path.with_name(f".{path.name}.lock")):
                    if state_of(path).version != version:
                        raise changed_meanwhile(str(path))
                    temporary.replace(path)
            fsync_directory(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    return _version(content)


def update(path: Path, change: Callable[[bytes | None], bytes | None]) -> bytes | None:
    """Replace a file by what `change` makes of its content, tried anew where another process was first.

    `change` may be called several times; None leaves the file as it is. Returns the content that is there afterwards.
    """
    for attempt in range(_TRIES):
        state = state_of(path)
        content = change(state.content)
        if content is None or content == state.content:
            return state.content
        with suppress(ChangedMeanwhileError):
            replace_if(path, content, state.version)
            return content
        # Ever longer, and by chance: those that compete are to drift apart.
        time.sleep(random.uniform(0, min(0.02 * 1.5**attempt, 2.0)))  # noqa: S311 - needs no secrecy
    raise changed_meanwhile(str(path))


def _link(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise changed_meanwhile(str(path)) from None


def _version(content: bytes) -> Version:
    return Version(hashlib.sha256(content).hexdigest())
