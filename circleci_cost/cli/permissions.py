"""Who else can read or change a file: the `.env` holds tokens, the configuration says where they are sent.

The pipeline's own files hold no secret and follow the umask, so that a group may be given access.
"""

import stat
from collections.abc import Iterable, Iterator
from pathlib import Path


def too_open(paths: Iterable[Path]) -> Iterator[str]:
    """A sentence for each file or folder that other users can change, and for a `.env` that they can read."""
    for path in paths:
        if path.exists() and (sentence := _too_open(path)):
            yield sentence


def _too_open(path: Path) -> str | None:
    full_mode = path.stat().st_mode
    mode = stat.S_IMODE(full_mode)
    if path.name == ".env" and mode & 0o077:
        return f"{path} holds tokens and can be read by other users of this machine; run `chmod 600 {path}`"
    # In a folder such as /tmp, the sticky bit keeps others from replacing what is not theirs.
    if mode & stat.S_IWOTH and not (stat.S_ISDIR(full_mode) and mode & stat.S_ISVTX):
        danger = "what is in it can be replaced" if stat.S_ISDIR(full_mode) else "it can be changed"
        return f"{path}: {danger} by every user of this machine; run `chmod o-w {path}`"
    return None
