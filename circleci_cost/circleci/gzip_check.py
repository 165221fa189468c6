"""Checks a gzip file while its bytes arrive: every member whole, every CRC and length right, no bomb.

It does not read rows; `download` and `imports` provide the bytes.
"""

import hashlib
from pathlib import Path

from isal import isal_zlib

from circleci_cost.circleci.failures import Oversized
from circleci_cost.circleci.limits import MIB, DownloadLimits
from circleci_cost.errors import ExportDataError
from circleci_cost.lake.manifests import Part
from circleci_cost.text.units import size

MAGIC = b"\x1f\x8b"
PLAIN_CSV = "a plain CSV"
_PIECE = MIB
_READ = MIB // 4
_HEADER_BYTES = 4
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_RESERVED_FLAGS = 0xE0
_DAMAGED: type[Exception] = isal_zlib.error  # type: ignore[assignment] # its stub calls the class an instance


class GzipCheck:
    """The check of one file, fed in pieces of any size; `name` begins every message.

    ISA-L checks the CRC and length of each member as zlib does, in a fifth of the time.
    """

    def __init__(self, name: str, limits: DownloadLimits) -> None:
        self._name = name
        self._limits = limits
        self._hash = hashlib.sha256()
        self._pending = b""
        self._member: isal_zlib.Decompress | None = None
        self._members = 0
        self.bytes = 0
        self._uncompressed = 0
        self._lines = 0

    def feed(self, data: bytes) -> None:
        """Check the next bytes. Raises `ExportDataError`, which says what the file is instead."""
        self.bytes += len(data)
        if self.bytes > self._limits.max_bytes:
            raise self._too_large(f"is larger than {size(self._limits.max_bytes)}")
        self._hash.update(data)
        data = self._pending + data
        self._pending = b""
        while data:
            if self._member is None:
                if len(data) < _HEADER_BYTES and data[:2] == MAGIC[: len(data)]:
                    self._pending = data
                    return
                self._begin(data)
            data = self._inflate(data)

    def finish(self, part_name: str) -> Part:
        """Return size, hash and lines of the file. Raises `ExportDataError` where it is empty or ends too early."""
        if self.bytes == 0:
            raise self._error("is empty")
        if self._member is not None or self._pending:
            raise self._error(f"is cut off after {self.bytes} bytes")
        return Part(
            name=part_name,
            bytes=self.bytes,
            sha256=self._hash.hexdigest(),
            uncompressed_bytes=self._uncompressed,
            lines=self._lines,
        )

    def _begin(self, data: bytes) -> None:
        if data[:2] != MAGIC:
            raise self._error(
                f"has {kind_of(data)} behind its end" if self._members else f"is {kind_of(data)}, not gzip"
            )
        # ISA-L ignores reserved flags, which no writer sets.
        if data[3] & _RESERVED_FLAGS:
            raise self._error("is damaged (its gzip header is not valid)")
        self._member = isal_zlib.decompressobj(wbits=31)

    def _inflate(self, data: bytes) -> bytes:
        """Decompress `data` in bounded pieces; return what lies behind the member's end."""
        member = self._member
        while member is not None:
            try:
                piece = member.decompress(data, _PIECE)
            except _DAMAGED:
                raise self._error("is damaged (its gzip checksum or structure is wrong)") from None
            self._uncompressed += len(piece)
            self._lines += piece.count(b"\n")
            self._check_expansion()
            if member.eof:
                self._member = None
                self._members += 1
                return member.unused_data
            data = member.unconsumed_tail
            if not data and len(piece) < _PIECE:
                break
        return b""

    def _check_expansion(self) -> None:
        limits = self._limits
        if self._uncompressed > limits.max_uncompressed_bytes:
            raise self._too_large(f"expands to more than {size(limits.max_uncompressed_bytes)}")
        if self._uncompressed > max(limits.ratio_free_bytes, self.bytes * limits.max_ratio):
            raise self._too_large(f"expands to more than {limits.max_ratio} times its size, as no usage export does")

    def _error(self, what: str) -> ExportDataError:
        return ExportDataError(f"{self._name} {what}; nothing of it was used.")

    def _too_large(self, what: str) -> Oversized:
        return Oversized(
            f"{self._name} {what}; nothing of it was used. Raise the download limits only if you trust the file."
        )


def verify_gzip(path: Path, limits: DownloadLimits | None = None, *, name: str | None = None) -> Part:
    """Read a whole file and return its size, hash and lines. Messages call it `name`, by default its path.

    Raises `ExportDataError` for anything but whole gzip members.
    """
    check = GzipCheck(name or str(path), limits or DownloadLimits())
    with path.open("rb") as file:
        while piece := file.read(_READ):
            check.feed(piece)
    return check.finish(path.name)


def kind_of(data: bytes) -> str:
    """Say what a file that is not gzip seems to be, by its first bytes; `PLAIN_CSV` for text with separators."""
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip()[:64].lower()
    if not data:
        return "an empty file"
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if start.startswith(b"<"):
        return "an XML or HTML page"
    if start.startswith((b"{", b"[")):
        return "JSON"
    if start.startswith(b"pk\x03\x04"):
        return "a zip archive"
    separated = b"\0" not in data and any(separator in start for separator in (b",", b";", b"\t"))
    return PLAIN_CSV if separated or data.startswith(_UTF_16) else "something else"
