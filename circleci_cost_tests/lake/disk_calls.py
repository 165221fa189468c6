"""Watching the calls of the operating system that decide what a power cut leaves: fsync and rename.

What order they have to come in is the tests' business.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pytest


@dataclass(frozen=True)
class Synced:
    """A file or directory forced to disk, and how many bytes it had by then."""

    inode: int
    size: int


@dataclass(frozen=True)
class Renamed:
    """A file that got its final name."""

    target: Path


Call: TypeAlias = Synced | Renamed


def watched(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    """Watch this process; the calls are added to the list as they are made."""
    recorded: list[Call] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        status = os.fstat(descriptor)
        fsync(descriptor)
        recorded.append(Synced(status.st_ino, status.st_size))

    def watched_replace(source: Any, target: Any, **options: Any) -> None:
        replace(source, target, **options)
        recorded.append(Renamed(Path(target)))

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(os, "replace", watched_replace)
    return recorded


def synced(path: Path) -> Synced:
    """What forcing a file, as it is now, to disk looks like."""
    status = path.stat()
    return Synced(status.st_ino, status.st_size)
