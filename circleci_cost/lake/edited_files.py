"""Changes a file that people edit, too: one change at a time, whole or not at all, with its owner and permissions.

What is changed in it is its writer's business; files that are ours alone are `files`' job.
"""

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from circleci_cost.errors import StorageError
from circleci_cost.lake.files import fsync_directory, storage_errors
from circleci_cost.named_files.bounded_files import read_at_most
from circleci_cost.named_files.regular_files import require_regular_file

# A change takes milliseconds: who waits longer waits for a process that hangs.
_LONGEST_WAIT_SECONDS = 10.0
_BETWEEN_SECONDS = 0.01
# How often a change is made anew because a text editor has saved the file at the same moment.
_TRIES = 5
_OWNER_BITS, _GROUP_BITS = 0o600, 0o060


def edit_file(path: Path, edit: Callable[[bytes | None], bytes | None]) -> bool:
    """Replace the content of a file by what `edit` makes of it; whether it has changed.

    `edit` gets None where the file is not there, and may be called again where another program has written the file
    meanwhile. Where `path` is a symbolic link, the file that it leads to is replaced and the link stays. Whatever
    `edit` raises leaves everything as it was, as does the `StorageError` for a file that cannot be changed.
    """
    refusal = why_read_only(path)
    if refusal:
        raise StorageError(f"{refusal} Nothing was changed.")
    target = path.resolve()
    with storage_errors(target), _alone(target):
        for _ in range(_TRIES):
            before = _content(target)
            after = edit(before)
            if after is None or after == before:
                return False
            if _replaced(target, before, after):
                return True
    raise StorageError(f"Another program keeps changing {path}; nothing was changed. Try again when it is done.")


def why_read_only(path: Path) -> str | None:
    """A sentence that says why this process cannot change the file; None where it can.

    A missing file can be made where its folder allows it. Raises `StorageError` for what is no file.
    """
    require_regular_file(path, StorageError, "Nothing was changed.")
    target = path.resolve()
    folder = target.parent
    if not folder.is_dir():
        return f"The folder {folder} is not there; make it, or correct the path of {path.name}."
    exists = target.exists()
    for place in (folder, target) if exists else (folder,):
        if not os.access(place, os.W_OK, effective_ids=True):
            if os.statvfs(place).f_flag & os.ST_RDONLY:
                return f"{target} is on a file system that is read-only; make it writable."
            return (
                f"This user may not write {'to the folder ' if place is folder else ''}{place}; give it write access."
            )
    return _others_lose(target, target.stat()) if exists and os.geteuid() != 0 else None


def _others_lose(target: Path, former: os.stat_result) -> str | None:
    """The sentence for a file whose owner or group could not use one of ours in its place; None where they could."""
    owner_may, group_may = former.st_mode & _OWNER_BITS, former.st_mode & _GROUP_BITS
    if former.st_gid in _own_groups():
        lose = former.st_uid != os.geteuid() and owner_may >> 3 & ~group_may
    else:
        lose = former.st_uid != os.geteuid() or group_may
    if not lose:
        return None
    return (
        f"{target} belongs to another user or group, who could not use it any more if this user wrote it. Let its "
        "group write it (chmod g+w), with this user in the group, or edit the file by hand."
    )


def _own_groups() -> set[int]:
    return {os.getegid(), *os.getgroups()}


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Hold a lock that all processes and threads share which change this file.

    The lock is a file beside it, not the file itself, which is replaced, and it is there for as long as the change
    takes only: it shall not be committed with the configuration.
    """
    lock = target.with_name(f".{target.name}.lock")
    began = time.monotonic()
    while (descriptor := _locked(lock)) is None:
        if time.monotonic() - began > _LONGEST_WAIT_SECONDS:
            raise StorageError(
                f"Another program has been changing {target} for more than {_LONGEST_WAIT_SECONDS:.0f} seconds; "
                "nothing was changed. End that program, or try again."
            )
        time.sleep(_BETWEEN_SECONDS)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _locked(lock: Path) -> int | None:
    """The open lock; None where another holds it, or has removed it since it was opened."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), lock.lstat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _content(target: Path) -> bytes | None:
    try:
        return read_at_most(target)
    except FileNotFoundError:
        return None


def _replaced(target: Path, before: bytes | None, after: bytes) -> bool:
    """Give the file its new content; False where it does not have the content `before` any more."""
    # Under the lock the name is ours; a killed process may have left its file there.
    temporary = target.with_name(f".{target.name}.new")
    temporary.unlink(missing_ok=True)
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            if before is not None:
                _take_over(target, temporary)
            file.write(after)
            file.flush()
            os.fsync(descriptor)
        if _content(target) != before:
            return False
        _rename(temporary, target)
        fsync_directory(target.parent)
    finally:
        temporary.unlink(missing_ok=True)
    return True


def _take_over(target: Path, temporary: Path) -> None:
    """Give the new file owner, group, permissions and attributes of the old one. Raises `StorageError`."""
    former, own = target.stat(), temporary.stat()
    if former.st_gid != own.st_gid or former.st_uid != own.st_uid:
        try:
            os.chown(temporary, former.st_uid, former.st_gid)
        except PermissionError:
            refusal = _others_lose(target, former)
            if refusal:
                raise StorageError(f"{refusal} Nothing was changed.") from None
            # A group that this user is not in may do nothing with the file.
            if former.st_gid in _own_groups():
                os.chown(temporary, -1, former.st_gid)
    shutil.copystat(target, temporary)
    os.utime(temporary)


def _rename(temporary: Path, target: Path) -> None:
    try:
        temporary.replace(target)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        raise StorageError(
            f"{target} is mounted by itself and cannot be replaced; nothing was changed. Mount its folder instead."
        ) from error
