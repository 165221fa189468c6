"""Atomic publication of single files: temporary name, fsync, rename.

`lake.layout` decides where the files live; their writers decide what they hold.
"""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from circleci_cost.clock import file_age
from circleci_cost.errors import StorageError
from circleci_cost.lake.disk_failures import Doing, StorageFailure, storage_failure
from circleci_cost.lake.stores.paths import StorePath

TEMPORARY_PREFIX = ".tmp-"
# No single file takes a day to write: an older temporary file was left by a killed process.
ABANDONED_AFTER_SECONDS = 24 * 3600


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on a clean exit it becomes `target` in one rename.

    Where `target` is in an object store, the path is on this machine's disk, and its bytes become the object.

    A crash or an exception leaves `target` as it was. The temporary name is unique, so that
    two writers of one target never share it; the last rename wins. Raises `StorageError` where
    the directory cannot be written or the disk is full.
    """
    if isinstance(target, StorePath):
        from circleci_cost.lake.stores.uploads import uploaded

        with storage_errors(target), uploaded(target) as temporary:
            yield temporary
        return
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.parent / f"{TEMPORARY_PREFIX}{uuid.uuid4().hex[:12]}-{target.name}"
        try:
            yield temporary
            fsync_file(temporary)
            temporary.replace(target)
            fsync_directory(target.parent)
        finally:
            temporary.unlink(missing_ok=True)
        remove_abandoned(target.parent)


def remove_abandoned(directory: Path) -> None:
    """Remove the temporary files that killed processes left in a directory; an object store has none."""
    if isinstance(directory, StorePath):
        return
    for path in directory.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(FileNotFoundError):  # its own writer may be done with it at this moment
            if path.is_file() and file_age(path.stat()) > ABANDONED_AFTER_SECONDS:
                path.unlink()


def write_atomic(target: Path, content: bytes) -> None:
    """Write `content` to `target` so that a reader sees the old bytes or the new, never a mixture."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


@contextmanager
def new_file(target: Path) -> Iterator[Path]:
    """Yield the path at which a new file is written, whose name nobody knows yet; on a clean exit it is whole there.

    After an error there is none. The caller forces the directory's entries to disk.
    """
    if isinstance(target, StorePath):
        from circleci_cost.lake.stores.scratch import stage
        from circleci_cost.lake.stores.uploads import upload

        with stage() as folder:
            yield folder / target.name
            upload(folder / target.name, target)
        return
    try:
        yield target
        fsync_file(target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, as far as that is possible: what stays is removed another time."""
    if isinstance(folder, StorePath):
        with suppress(StorageError):
            for path in folder.metas():
                path.unlink(missing_ok=True)
        return
    shutil.rmtree(folder, ignore_errors=True)


def put_file(source: Path, target: Path) -> None:
    """Let a complete local file become `target`: renamed, or sent to a store and removed. Its bytes are on disk then.

    The caller forces the directory's entries to disk.
    """
    if isinstance(target, StorePath):
        from circleci_cost.lake.stores.uploads import upload

        upload(source, target)
        source.unlink()
        return
    fsync_file(source)
    source.replace(target)


def fsync_file(path: Path) -> None:
    """Force a file's bytes to disk: otherwise a power cut may keep a rename and lose the content."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_directory(path: Path) -> None:
    """Force a directory's entries (a rename) to disk; a store's are there once it has answered."""
    if not isinstance(path, StorePath):
        fsync_file(path)


@contextmanager
def storage_errors(target: Path | str, doing: Doing = "write", damaged: str = "") -> Iterator[None]:
    """Turn the storage errors of any library into a `StorageError` that names `target` or the file in the error.

    `damaged` is the advice for a damaged or missing `target`, or file below it, where restoring a backup is not the
    only remedy.
    """
    try:
        yield
    # Not broad: an error that is not about storage is raised on unchanged.
    except Exception as error:
        failure = storage_failure(error)
        if failure is None:
            raise
        raise _storage_error(target, failure, doing, damaged) from error


def _storage_error(target: Path | str, failure: StorageFailure, doing: Doing, damaged: str) -> StorageError:
    failure = failure.while_writing() if doing == "write" else failure
    named, advice = str(target), failure.advice
    other = failure.path is not None and failure.path != named
    if other and doing != "write" and not Path(str(failure.path)).name.startswith(TEMPORARY_PREFIX):
        named = str(failure.path)
    if failure.damaged and damaged and (not other or Path(named).is_relative_to(target)):
        advice = damaged
    untouched = "nothing was changed" if doing == "read" else "what was there before is untouched"
    return StorageError(f"Cannot {doing} {named}: {failure.reason}; {untouched}. {advice}")
