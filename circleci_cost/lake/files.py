"""Atomic publication of single files: temporary name, fsync, rename.

Where the files live is `lake.layout`'s business; what is in them is their writers'.
"""

import errno
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from circleci_cost.errors import StorageError

TEMPORARY_PREFIX = ".tmp-"
# No single file takes a day to write: an older temporary file is a killed process's.
ABANDONED_AFTER_SECONDS = 24 * 3600


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside `target`; on a clean exit it becomes `target` in one rename.

    A crash or an exception leaves `target` as it was. The temporary name is unique, so that
    two writers of one target never share it; the last rename wins. Raises `StorageError` where
    the directory cannot be written or the disk is full.
    """
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
        _remove_abandoned(target.parent)


def _remove_abandoned(directory: Path) -> None:
    for path in directory.glob(f"{TEMPORARY_PREFIX}*"):
        with suppress(FileNotFoundError):  # its own writer may be done with it at this moment
            if path.is_file() and time.time() - path.stat().st_mtime > ABANDONED_AFTER_SECONDS:
                path.unlink()


def write_atomic(target: Path, content: bytes) -> None:
    """Write `content` to `target` so that a reader sees the old bytes or the new, never a mixture."""
    with atomic_path(target) as temporary:
        temporary.write_bytes(content)


def fsync_file(path: Path) -> None:
    """Force a file's bytes to disk: a rename may otherwise survive a power cut that its content does not."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fsync_directory(path: Path) -> None:
    """Force a directory's entries (a rename) to disk."""
    fsync_file(path)


@contextmanager
def storage_errors(target: Path) -> Iterator[None]:
    """Turn the operating system's storage errors into one sentence that names `target`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _ADVICE:
            raise
        raise StorageError(
            f"Cannot write {target}: {os.strerror(error.errno)}; what was there before is untouched. "
            f"{_ADVICE[error.errno]}, then run the same command again."
        ) from error


_ADVICE = {
    errno.ENOSPC: "Free space on that disk",
    errno.EDQUOT: "Raise the quota or free space",
    errno.EROFS: "Make the file system writable or point data_dir elsewhere",
    errno.EACCES: "Give this user write access or point data_dir elsewhere",
    errno.EPERM: "Give this user write access or point data_dir elsewhere",
    errno.ENOTDIR: "Point data_dir at a directory",
    errno.EEXIST: "Move away the file that stands where a directory belongs",
}
