"""An object as a binary stream that can be read and sought, such as files of any size are read from.

Objects that are read whole need none of it: `objects` gives their bytes.
"""

import io
from typing import Any

from circleci_cost.lake.stores.objects import PIECE_BYTES, Location


def opened(location: Location) -> io.BufferedReader:
    """Open the present version of an object. Raises `ChangedMeanwhileError` in `read` where it is replaced."""
    return io.BufferedReader(_ObjectReader(location), PIECE_BYTES)


class _ObjectReader(io.RawIOBase):
    """The bytes of one version of an object, read in pieces."""

    def __init__(self, location: Location) -> None:
        self._location = location
        self._meta = location.head()
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._meta.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + len(buffer), self._meta.size)
        if end <= self._at:
            return 0
        piece = self._location.read_range(self._at, end, self._meta.version)
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
