"""Publishes a folder of files whole or not at all: written beside its place, then renamed.

What the files are is the command's business; single files have `lake.files.atomic_path`.
"""

import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from circleci_cost.clock import file_age
from circleci_cost.errors import UsageError
from circleci_cost.lake.files import ABANDONED_AFTER_SECONDS, TEMPORARY_PREFIX, fsync_directory, storage_errors

# As `_beside` names them; other programs have other temporary folders.
_STAGE = re.compile(rf"{re.escape(TEMPORARY_PREFIX)}[0-9a-f]{{12}}-")


def require_replaceable(folder: Path, ours: re.Pattern[str], *, replace: bool) -> None:
    """Raise `UsageError` where something else is at `folder`, or files of ours that may not be replaced.

    `ours` is what the names of our files look like.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file and was left as it is; name another folder.")
    names = sorted(path.name for path in folder.iterdir())
    foreign = [name for name in names if not ours.fullmatch(name)]
    if foreign:
        raise UsageError(
            f"{folder} holds other files, such as {foreign[0]}, and was left as it is; name a folder of its own, which "
            "is replaced as a whole."
        )
    if names and not replace:
        raise UsageError(f"{folder} is there already and was left as it is; add --force, or name another folder.")


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder beside `folder`; on a clean exit it takes the place of whatever is there.

    After an error nothing has changed. Raises `StorageError`.
    """
    # Unlike `Path.resolve`, this leaves a loop of links to the error that writing there gives.
    place = Path(os.path.realpath(folder))
    with storage_errors(folder), folder_beside(place) as stage:
        yield stage
        fsync_directory(stage)
        _exchange(stage, place)
        fsync_directory(place.parent)


@contextmanager
def folder_beside(place: Path) -> Iterator[Path]:
    """Yield a folder beside `place` that goes with the block; what a killed process left is removed by a later one."""
    with storage_errors(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(place.parent)
        stage = _beside(place)
        try:
            stage.mkdir()
            yield stage
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _exchange(stage: Path, place: Path) -> None:
    former = _beside(place)
    if place.exists():
        place.rename(former)
    try:
        stage.rename(place)
    except OSError:
        if former.exists():
            former.rename(place)
        raise
    shutil.rmtree(former, ignore_errors=True)


def _beside(place: Path) -> Path:
    return place.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}-{place.name}"


def _remove_abandoned(parent: Path) -> None:
    """Remove what killed processes left, whatever they were to write: a folder of another day is written no more."""
    for path in parent.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(FileNotFoundError):  # its own writer may be done with it at this moment
            details = path.lstat()
            if (
                _STAGE.match(path.name)
                and stat.S_ISDIR(details.st_mode)
                and file_age(details) > ABANDONED_AFTER_SECONDS
            ):
                shutil.rmtree(path, ignore_errors=True)
