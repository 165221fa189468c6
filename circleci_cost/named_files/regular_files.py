"""Only regular files are read where a user names one: a device may never end, and a pipe may never begin.

Whether the file is there, and what it holds, is its reader's business. Files of our own are `lake.files`' matter.
"""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from circleci_cost.errors import CircleciCostError

# The reader has sentences of its own for these, or takes a missing file for none.
_READERS_BUSINESS = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES})
_KINDS: tuple[tuple[Callable[[int], bool], str, str], ...] = (
    (stat.S_ISDIR, "a folder", "name a file in it"),
    (stat.S_ISFIFO, "a pipe", "write what comes out of it to a file, and name that file"),
    (stat.S_ISCHR, "a device", "write what is wanted of it to a file, and name that file"),
    (stat.S_ISBLK, "a device", "name a file"),
    (stat.S_ISSOCK, "a socket", "name a file"),
)


def require_regular_file(path: Path, error: type[CircleciCostError], ending: str = "") -> None:
    """Raise `error` where `path` is there and, symbolic links followed, is no regular file; nothing is opened.

    A path that is missing or may not be looked at passes: opening it says so. `ending` is a sentence that
    closes the message, such as "Nothing was imported.".
    """
    try:
        mode = path.stat().st_mode
    except ValueError:
        raise error(_sentence(f"{str(path)!r} is no path: it holds a NUL character; correct it.", ending)) from None
    except OSError as failure:
        if failure.errno in _READERS_BUSINESS:
            return
        reason = os.strerror(failure.errno or errno.EIO)
        raise error(_sentence(f"{path} cannot be read ({reason}); correct the path.", ending)) from None
    for fits, kind, advice in _KINDS:
        if fits(mode):
            raise error(_sentence(f"{path} is {kind}, not a regular file; {advice}.", ending))


def _sentence(message: str, ending: str) -> str:
    return f"{message} {ending}".rstrip()
