"""How long API answers and downloads may take, and how large they may be.

How many requests may be sent is counted in `quota`.
"""

from dataclasses import dataclass

MIB = 1024 * 1024
GIB = 1024 * MIB


@dataclass(frozen=True)
class Timeouts:
    """Seconds for one API request. `total` also ends an answer that arrives byte by byte, each within `read`."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 60.0
    max_answer_bytes: int = MIB


@dataclass(frozen=True)
class DownloadLimits:
    """Bounds of one part of an export; CircleCI calls about 100 MB compressed usual.

    `max_ratio` applies once more than `ratio_free_bytes` are uncompressed: repetitive usage
    compresses up to about 40:1, a gzip bomb 1000:1. `min_bytes_per_second` is the mean since the
    request, checked after `speed_grace_seconds`.
    """

    max_bytes: int = 4 * GIB
    max_uncompressed_bytes: int = 64 * GIB
    max_ratio: int = 200
    ratio_free_bytes: int = 10 * MIB
    max_seconds: float = 2 * 3600.0
    min_bytes_per_second: int = 1024
    speed_grace_seconds: float = 60.0
    header_seconds: float = 60.0
    parallel: int = 4
    attempts: int = 3
    url_refreshes: int = 5
