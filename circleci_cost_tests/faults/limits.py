"""A full disk and a directory without write access, wherever the tests run: as root and as anybody, without a mount."""

import ctypes
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

_PR_CAPBSET_DROP = 24
# Root writes and reads whatever the permissions say by these two.
_CAPABILITIES = (1, 2)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let this process write no file beyond `size` bytes: its writes fail like those on a full disk, with EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def obey_permissions() -> None:
    """Make the program that is executed next obey permissions, as root too; for `preexec_fn`."""
    if os.geteuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in _CAPABILITIES:
        if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "root's access to all files cannot be given up")
