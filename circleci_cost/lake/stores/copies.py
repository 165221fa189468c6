"""Local copies of objects for engines that read files: fetched once per version, several at a time.

A copy is named by the version of its object, so it is never out of date; what nobody has used for a day is removed.
"""

import hashlib
import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from circleci_cost.clock import file_age
from circleci_cost.errors import StorageError
from circleci_cost.lake.stores.objects import ABSENT, Meta, Version
from circleci_cost.lake.stores.paths import StorePath
from circleci_cost.lake.stores.scratch import appearing, scratch

_AT_ONCE = 16
# From so many objects on, one listing of the folder that holds them all takes less time than asking for each.
_LISTED_FROM = 8
_UNUSED_SECONDS = 24 * 3600
_FOLDER = "copies"
_T = TypeVar("_T")
_R = TypeVar("_R")


def at_once(function: Callable[[_T], _R], items: Iterable[_T]) -> list[_R]:
    """Apply a function that waits for a store to many items, several at a time, and return the results in order."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(function, items))


def local_copies(paths: Sequence[StorePath], *, immutable: bool = False) -> list[Path]:
    """Return a local file with the present content of each object, in their order. Raises `StorageError`.

    Of `immutable` objects, a copy that is there already is taken without asking the store.
    """
    if not paths:
        return []
    folder = scratch(StorePath(*paths[0].parts[:2])) / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    copies = {path: copy for path in paths if immutable and _used(copy := _copy_of(path, folder))}
    missing = [path for path in dict.fromkeys(paths) if path not in copies]
    metas = zip(missing, metas_of(missing), strict=True)
    copies |= zip(missing, at_once(lambda of: _fetched(*of, folder=folder, immutable=immutable), metas), strict=True)
    _remove_unused(folder)
    return [copies[path] for path in paths]


def metas_of(paths: Sequence[StorePath]) -> list[Meta | None]:
    """What the store says of each object, in their order; None where there is none."""
    if len(paths) < _LISTED_FROM:
        return at_once(_meta, paths)
    found = _common_folder(paths).metas()
    return [found.get(path) for path in paths]


def _meta(path: StorePath) -> Meta | None:
    try:
        return path.location.head()
    except FileNotFoundError:
        return None


def _common_folder(paths: Sequence[StorePath]) -> StorePath:
    levels = zip(*(path.parent.parts for path in paths), strict=False)
    return StorePath(*(steps[0] for steps in itertools.takewhile(lambda steps: len(set(steps)) == 1, levels)))


def _copy_of(path: StorePath, folder: Path, version: Version = ABSENT) -> Path:
    """The copy's path; the folders of the object's key stay in it, since queries may read them there."""
    name = hashlib.sha256(f"{version}".encode()).hexdigest()[:24] if version != ABSENT else "only"
    return folder / path.location.key / f"{name}{path.suffix}"


def _used(copy: Path) -> bool:
    """Whether a copy is there; it then counts as used now."""
    try:
        os.utime(copy)
    except FileNotFoundError:
        return False
    return True


def _fetched(path: StorePath, meta: Meta | None, *, folder: Path, immutable: bool) -> Path:
    if meta is None:
        raise StorageError(
            f"Cannot read {path}: it is missing; nothing was changed. Restore it from a backup, then run the same "
            "command again."
        )
    copy = _copy_of(path, folder, ABSENT if immutable else meta.version)
    if not _used(copy):
        fetch(path, meta, copy)
    return copy


def fetch(path: StorePath, meta: Meta, copy: Path) -> None:
    """Fetch one version of an object into a file, which appears when it is whole."""
    with appearing(copy) as temporary, temporary.open("xb") as file:
        for piece in path.location.pieces(meta):
            file.write(piece)


def _remove_unused(folder: Path) -> None:
    """Remove what no process has used for a day, looked for once an hour."""
    looked = folder / ".looked"
    if looked.exists() and file_age(looked.stat()) < _UNUSED_SECONDS / 24:
        return
    looked.touch()
    for base, _, names in os.walk(folder):
        for name in names:
            copy = Path(base, name)
            try:
                if file_age(copy.lstat()) > _UNUSED_SECONDS:
                    copy.unlink()
            except FileNotFoundError:
                continue  # another process has removed it
