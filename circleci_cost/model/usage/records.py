"""Reads an export file into blocks of whole records: gunzip, header, dialect, and the line on which each block begins.

A block is still bytes; splitting it into columns is `split`'s job, typing them `normalize`'s.
"""

import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import numpy as np
from isal import igzip, isal_zlib

from circleci_cost.errors import ExportDataError
from circleci_cost.model.usage import dialects
from circleci_cost.model.usage.dialects import Dialect
from circleci_cost.model.usage.schema import EXPORT_COLUMNS

# Larger blocks cost memory and page faults, smaller ones more calls (measured: 2 to 32 MiB).
BLOCK_BYTES = 16 << 20
_START_BYTES = 1 << 16
LONGEST_RECORD = 64 << 20
_LONGEST_HEADER = 1 << 20
# The prefix that names the unnamed columns of an imported file, as pandas does.
UNNAMED = "UNNAMED: "
_KNOWN = frozenset(column.source for column in EXPORT_COLUMNS)
_ISAL_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment] # its stub calls the class an instance


@dataclass(frozen=True)
class Header:
    """The columns of one file, in its order, as the export writes them (upper case), and its dialect.

    `imported`: a person gave the file, so that other programs may have changed it; see `imported_records`.
    """

    file: str
    dialect: Dialect
    columns: tuple[str, ...]
    delimiter: bytes = dialects.COMMA
    imported: bool = False

    @property
    def unknown(self) -> tuple[str, ...]:
        """Columns that this version does not know; they are skipped and reported."""
        return tuple(name for name in self.columns if name not in _KNOWN and not self._is_unnamed(name))

    def _is_unnamed(self, name: str) -> bool:
        return self.imported and name.startswith(UNNAMED)

    @property
    def missing(self) -> tuple[str, ...]:
        """Optional columns that the file lacks; they become null."""
        return tuple(column.source for column in EXPORT_COLUMNS if column.source not in self.columns)

    def refuse(self, line: int | None, what: str, column: str | None = None) -> ExportDataError:
        """Build the error for a fault in this file."""
        return refuse(self.file, line, what, column, imported=self.imported)


@dataclass(frozen=True)
class RecordBlock:
    """Whole records of one file as bytes. `first_line` is the physical line, from 1, that they start on."""

    header: Header
    data: bytes
    first_line: int

    def line_at(self, position: int) -> int:
        """The physical line, from 1, of a byte of `data`."""
        return self.first_line + self.data.count(b"\n", 0, position)


def refuse(
    file: str, line: int | None, what: str, column: str | None = None, *, imported: bool = False
) -> ExportDataError:
    """Build the error for an export that cannot be read: file, line, column, and what to do."""
    where = f"{file}, line {line}" if line is not None else file
    where += f", column {column}" if column else ""
    if imported:
        return ExportDataError(
            f"{where}: {what}. Nothing of this file was used; import it as it was downloaded from CircleCI: other "
            "programs may change an export when they save or join it."
        )
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
    with open_export(path) as stream:
        start = read_start(stream, block_bytes)
        header, header_bytes = read_header(start, path.name)
        empty = True
        for block in read_blocks(stream, start[header_bytes:], header, block_bytes):
            empty = False
            yield block
        if empty:
            yield RecordBlock(header, b"", 2)


@contextmanager
def open_export(path: Path, *, imported: bool = False) -> Iterator[BinaryIO]:
    """Open a gzip-compressed file; a damaged stream raises `ExportDataError`."""
    try:
        with cast(BinaryIO, igzip.open(path, "rb")) as stream:  # type: ignore[no-untyped-call]
            yield stream
    except (EOFError, igzip.BadGzipFile, zlib.error, _ISAL_ERROR) as error:
        raise refuse(path.name, None, f"the gzip stream is damaged ({error})", imported=imported) from error


class Bytes(Protocol):
    """A stream of bytes from which records are read."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes; empty at the end."""
        ...


def read_blocks(
    stream: Bytes, pending: bytes, header: Header, block_bytes: int, line: int = 2
) -> Iterator[RecordBlock]:
    """Read the rest of a file, from `line` on and beginning with `pending`, as blocks of whole records."""
    at_end = False
    while not at_end:
        more = stream.read(block_bytes)
        at_end = not more
        pending += more
        cut = len(pending) if at_end else dialects.whole_records(pending, header.dialect)
        if len(pending) - cut > LONGEST_RECORD:
            what = f"a record is longer than {LONGEST_RECORD >> 20} MiB; a quote may not be closed"
            raise header.refuse(line, what)
        if cut:
            data, pending = pending[:cut], pending[cut:]
            yield RecordBlock(header, data, line)
            line += _count_lines(data)


def _count_lines(data: bytes) -> int:
    # Three times as fast as bytes.count where there are many lines.
    return int(np.count_nonzero(np.frombuffer(data, dtype=np.uint8) == 0x0A))


def read_start(stream: Bytes, block_bytes: int) -> bytes:
    """Read the header line and at least one byte more: enough to tell the dialect."""
    start = b""
    while more := stream.read(min(block_bytes, _START_BYTES)):
        start += more
        if 0 <= start.find(b"\n") < len(start) - 1 or len(start) > _LONGEST_HEADER:
            break
    return start.removeprefix(dialects.BYTE_ORDER_MARK)


def read_header(
    start: bytes, file: str, delimiter: bytes = dialects.COMMA, *, imported: bool = False
) -> tuple[Header, int]:
    """Read the header at the start of a file; return it and its length in bytes. Raises `ExportDataError`."""

    def wrong(what: str) -> ExportDataError:
        return refuse(file, 1, what, imported=imported)

    if not start.strip():
        raise wrong("the file is empty, not even a header is there")
    opening = start[:200].lstrip().lower()
    if opening.startswith((b"<!doctype", b"<html", b"<?xml", b"<error")):
        raise wrong("this is a web page or an XML error, not a usage export")
    end = start.find(b"\n")
    line = start if end < 0 else start[:end]
    if b"\r" in line.removesuffix(b"\r"):
        raise wrong("lines end with a lone carriage return (CR); LF or CRLF is expected")
    quoted = imported and (delimiter != dialects.COMMA or b'"' in line)
    dialect = Dialect.QUOTED if quoted else dialects.detect_dialect(start)
    try:
        written = dialects.parse_header(line.removesuffix(b"\r"), dialect, delimiter)
    except ValueError as error:
        raise wrong(f"the header cannot be read ({error})") from error
    columns = column_names(written, imported=imported)
    if not _KNOWN.intersection(columns):
        raise wrong("there is no header with the columns of a usage export")
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise wrong(f"the header names {', '.join(twice)} twice")
    absent = absent_columns(columns)
    if absent:
        raise wrong(f"the required column {', '.join(absent)} is missing")
    return Header(file, dialect, columns, delimiter, imported), len(start) if end < 0 else end + 1


def column_names(written: Iterable[str], *, imported: bool) -> tuple[str, ...]:
    """The names of a header's columns, in upper case; those that an imported file leaves empty are numbered."""
    names = (name.strip().upper() for name in written)
    return tuple(name or f"{UNNAMED}{place}" if imported else name for place, name in enumerate(names))


def absent_columns(columns: Collection[str]) -> list[str]:
    """The required columns that are missing."""
    return [column.source for column in EXPORT_COLUMNS if column.required and column.source not in columns]
