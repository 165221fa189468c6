"""The local disk for work on objects: temporary files, and whatever may be fetched again.

It is below the system's folder for temporary files (TMPDIR), for this user alone, one folder for each data directory.
Nothing in it is ever the only copy.
"""

import hashlib
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from circleci_cost.clock import file_age
from circleci_cost.errors import StorageError
from circleci_cost.lake.stores.paths import StorePath

_STAGE = "stage-"
_ABANDONED_AFTER_SECONDS = 24 * 3600


def scratch(root: StorePath) -> Path:
    """The folder of this machine for a data directory in a store; made where it is missing. Raises `StorageError`."""
    name = hashlib.sha256(str(root).encode()).hexdigest()[:16]
    folder = _own_folder() / f"{root.location.scheme}-{root.location.bucket}-{name}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@contextmanager
def stage() -> Iterator[Path]:
    """A new folder of this machine for files on their way into a store; removed afterwards."""
    own = _own_folder()
    _remove_abandoned(own)
    folder = own / f"{_STAGE}{uuid.uuid4().hex[:12]}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def appearing(file: Path) -> Iterator[Path]:
    """Yield a temporary path beside a file of this machine; on a clean exit the file is there, whole."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = file.with_name(f".{uuid.uuid4().hex[:12]}")
    try:
        yield temporary
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _own_folder() -> Path:
    """The folder of this user. Another's, or a link, would let somebody else read or change what is in it."""
    folder = Path(tempfile.gettempdir()) / f"circleci_cost-{os.geteuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be used for temporary files ({error.strerror}); nothing was changed. Set TMPDIR to a "
            "folder that this user may write."
        ) from None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o077:
        raise StorageError(
            f"{folder} is not a folder of this user alone (mode 700); nothing was changed. Remove it, or set TMPDIR "
            "to another folder."
        )
    return folder


def _remove_abandoned(own: Path) -> None:
    for folder in own.glob(f"{_STAGE}*"):
        with suppress(FileNotFoundError):  # its own process may be done with it at this moment
            if file_age(folder.stat()) > _ABANDONED_AFTER_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
