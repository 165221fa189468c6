"""From one export file to blocks of whole records: gunzip, header, dialect, and the line that each begins on.

A block is bytes still; splitting it into columns is the business of `split`, typing them of `normalize`.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from isal import igzip, isal_zlib

from circleci_cost.errors import ExportDataError
from circleci_cost.model import dialects
from circleci_cost.model.dialects import Dialect
from circleci_cost.model.schema import EXPORT_COLUMNS

BLOCK_BYTES = 16 << 20
LONGEST_RECORD = 64 << 20
_LONGEST_HEADER = 1 << 20
_KNOWN = frozenset(column.source for column in EXPORT_COLUMNS)
_ISAL_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment] # its stub calls the class an instance


@dataclass(frozen=True)
class Header:
    """The columns of one file, in its order, as the export writes them (upper case), and its dialect."""

    file: str
    dialect: Dialect
    columns: tuple[str, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Columns that this version does not know; they are read over and reported."""
        return tuple(name for name in self.columns if name not in _KNOWN)

    @property
    def missing(self) -> tuple[str, ...]:
        """Optional columns that the file lacks; they become null."""
        return tuple(column.source for column in EXPORT_COLUMNS if column.source not in self.columns)


@dataclass(frozen=True)
class RecordBlock:
    """Whole records of one file as bytes. `first_line` is the physical line, from 1, that they start on."""

    header: Header
    data: bytes
    first_line: int

    def line_at(self, position: int) -> int:
        """The physical line, from 1, of a byte of `data`."""
        return self.first_line + self.data.count(b"\n", 0, position)


def refuse(file: str, line: int | None, what: str, column: str | None = None) -> ExportDataError:
    """Build the error for an export that cannot be read: file, line, column, and the way out."""
    where = f"{file}, line {line}" if line is not None else file
    where += f", column {column}" if column else ""
    return ExportDataError(
        f"{where}: {what}. Nothing of this export was used; fetch or export it again, and if it comes back "
        "the same, report it to CircleCI."
    )


def read_records(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[RecordBlock]:
    """Read a gzip-compressed export file as blocks of whole records, about `block_bytes` each.

    Yields at least one block (an empty one for a file that is only a header). Raises `ExportDataError` with
    file and line for: no header, a column twice, a required column missing, a page of HTML or XML, a record
    that never ends, or a broken gzip stream.
    """
    try:
        with cast(BinaryIO, igzip.open(path, "rb")) as stream:  # type: ignore[no-untyped-call]
            yield from _read_stream(stream, path.name, block_bytes)
    except (EOFError, igzip.BadGzipFile, zlib.error, _ISAL_ERROR) as error:
        raise refuse(path.name, None, f"the gzip stream is damaged ({error})") from error


def _read_stream(stream: BinaryIO, file: str, block_bytes: int) -> Iterator[RecordBlock]:
    start = _read_start(stream, block_bytes)
    header, header_bytes = _read_header(start, file)
    pending, line, empty, at_end = start[header_bytes:], 2, True, False
    while not at_end:
        more = stream.read(block_bytes)
        at_end = not more
        pending += more
        cut = len(pending) if at_end else dialects.whole_records(pending, header.dialect)
        if len(pending) - cut > LONGEST_RECORD:
            raise refuse(file, line, f"a record is longer than {LONGEST_RECORD >> 20} MiB; a quote may not be closed")
        if cut:
            data, pending = pending[:cut], pending[cut:]
            yield RecordBlock(header, data, line)
            line, empty = line + _count_lines(data), False
    if empty:
        yield RecordBlock(header, b"", line)


def _count_lines(data: bytes) -> int:
    # Three times as fast as bytes.count where there are many.
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == 0x0A))


def _read_start(stream: BinaryIO, block_bytes: int) -> bytes:
    """Read the header line and at least one byte more, which tell the dialect."""
    start = b""
    while more := stream.read(block_bytes):
        start += more
        if 0 <= start.find(b"\n") < len(start) - 1 or len(start) > _LONGEST_HEADER:
            break
    return start.removeprefix(dialects.BYTE_ORDER_MARK)


def _read_header(start: bytes, file: str) -> tuple[Header, int]:
    if not start.strip():
        raise refuse(file, 1, "the file is empty, not even a header is there")
    opening = start[:200].lstrip().lower()
    if opening.startswith((b"<!doctype", b"<html", b"<?xml", b"<error")):
        raise refuse(file, 1, "this is a web page or an XML error, not a usage export")
    end = start.find(b"\n")
    line = start if end < 0 else start[:end]
    if b"\r" in line.removesuffix(b"\r"):
        raise refuse(file, 1, "lines end with a lone carriage return (CR); LF or CRLF is expected")
    dialect = dialects.detect_dialect(start)
    try:
        written = dialects.parse_header(line.removesuffix(b"\r"), dialect)
    except ValueError as error:
        raise refuse(file, 1, f"the header cannot be read ({error})") from error
    columns = tuple(name.strip().upper() for name in written)
    if not _KNOWN.intersection(columns):
        raise refuse(file, 1, "there is no header with the columns of a usage export")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise refuse(file, 1, f"the header names {', '.join(twice)} twice")
    absent = [column.source for column in EXPORT_COLUMNS if column.required and column.source not in columns]
    if absent:
        raise refuse(file, 1, f"the required column {', '.join(absent)} is missing")
    return Header(file, dialect, columns), len(start) if end < 0 else end + 1
