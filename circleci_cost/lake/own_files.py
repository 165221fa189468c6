"""Files of our own that are opened in place, such as locks and databases: never through a symbolic link.

A link there would let us write into what is not ours. Directories may be links: a data directory, or its exports on a
larger disk. Files that are replaced by a rename need none of this: the rename replaces the link.
"""

import os
import stat
from pathlib import Path
from typing import IO

from circleci_cost.errors import StorageError
from circleci_cost.lake.files import storage_errors

# SQLite and DuckDB keep their journals beside the database.
_JOURNALS = ("", "-journal", "-wal", "-shm", ".wal")


def open_lock(path: Path) -> IO[bytes]:
    """Open a lock file, made where it is missing; its content stays. Raises `StorageError`."""
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _require_own(path)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
        return os.fdopen(descriptor, "rb")


def require_own_database(path: Path) -> None:
    """Raise `StorageError` where a database or a journal of it is a link, or no regular file."""
    for ending in _JOURNALS:
        _require_own(path.with_name(path.name + ending))


def _require_own(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISREG(mode):
        kind = "a symbolic link" if stat.S_ISLNK(mode) else "no regular file"
        raise StorageError(
            f"{path} is {kind}, and a file of circleci_cost belongs there; nothing was written through it. Move it "
            "away, then run the same command again. Only directories below data_dir may be links."
        )
