"""Who else can read a file: the `.env` holds tokens, the configuration contracted prices."""

import stat
from pathlib import Path


def too_open(path: Path) -> str | None:
    """A sentence where others than the owner can read or change a file, or None."""
    if not path.exists():
        return None
    mode = stat.S_IMODE(path.stat().st_mode)
    if path.name == ".env" and mode & 0o077:
        return f"{path} holds tokens and can be read by other users of this machine; run `chmod 600 {path}`"
    if mode & stat.S_IWOTH:
        return f"{path} can be changed by every user of this machine; run `chmod o-w {path}`"
    return None
