"""Refuses files that a user names and that are not regular: a device may never end, a pipe never begin.

The reader checks that the file exists and what it holds. Files of our own are the job of `lake.files`.
"""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from circleci_cost.errors import CircleciCostError

# The reader has its own sentences for these, or works without a missing file.
_LEFT_TO_READER = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES})
_KINDS: tuple[tuple[Callable[[int], bool], str, str], ...] = (
    (stat.S_ISDIR, "a folder", "name a file in it"),
    (stat.S_ISFIFO, "a pipe", "write what comes out of it to a file, and name that file"),
    (stat.S_ISCHR, "a device", "write what is wanted of it to a file, and name that file"),
    (stat.S_ISBLK, "a device", "name a file"),
    (stat.S_ISSOCK, "a socket", "name a file"),
)


def require_regular_file(path: Path, error: type[CircleciCostError], ending: str = "") -> None:
    """Raise `error` where `path` exists and, with symbolic links followed, is not a regular file; nothing is opened.

    A path that is missing or not accessible passes: the reader reports that. `ending` is a sentence that ends the
    message, such as "Nothing was imported.".
    """
    try:
        mode = path.stat().st_mode
    except ValueError:
        raise error(_sentence(f"{str(path)!r} is no path: it holds a NUL character; correct it.", ending)) from None
    except OSError as failure:
        if failure.errno in _LEFT_TO_READER:
            return
        reason = os.strerror(failure.errno or errno.EIO)
        raise error(_sentence(f"{path} cannot be read ({reason}); correct the path.", ending)) from None
    for fits, kind, advice in _KINDS:
        if fits(mode):
            raise error(_sentence(f"{path} is {kind}, not a regular file; {advice}.", ending))


def _sentence(message: str, ending: str) -> str:
    return f"{message} {ending}".rstrip()
