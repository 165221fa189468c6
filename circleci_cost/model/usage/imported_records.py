"""Reads an imported file, which a person may have joined from others or saved again, into blocks of whole records.

Other separators, quotes only where needed, unnamed columns and UTF-16 are accepted where their meaning is unambiguous.
CircleCI writes none of these, so downloaded parts are read by `records` alone. Headers and empty rows among the
records are `joined`'s job.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from circleci_cost.model.usage.dialects import COMMA, Dialect
from circleci_cost.model.usage.joined import JoinedFiles, names_all_required
from circleci_cost.model.usage.quoting import dialect_of
from circleci_cost.model.usage.records import (
    BLOCK_BYTES,
    Bytes,
    Header,
    RecordBlock,
    open_export,
    read_blocks,
    read_header,
    read_start,
    refuse,
)

_DELIMITERS = (COMMA, b";", b"\t")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
# Excel writes and reads this line, which names the separator of the lines below it.
_SEPARATOR_LINE = re.compile(rb'"?sep=."?\r?\n', re.IGNORECASE)


def read_imported(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[RecordBlock]:
    """Read a gzip-compressed file that a person imports, as `records.read_records` reads a downloaded one.

    A block may begin after a header or an empty row that was left out. Raises `ExportDataError` like `read_records`,
    and where the file is ambiguous.
    """
    with open_export(path, imported=True) as raw:
        start = _read_beginning(raw, path.name, block_bytes)
    header = start.header
    if header.dialect is Dialect.UNQUOTED and _holds_a_quote(path, block_bytes):
        header = replace(header, dialect=dialect_of(header, lambda dialect: _blocks(path, block_bytes, dialect)))
    empty = True
    for block in _blocks(path, block_bytes, header.dialect):
        empty = False
        yield block
    if empty:
        yield RecordBlock(header, b"", start.line)


def _holds_a_quote(path: Path, block_bytes: int) -> bool:
    """Whether the file may hold a quote, in any encoding: only then is there a dialect to find out."""
    with open_export(path, imported=True) as raw:
        return any(b'"' in block for block in iter(lambda: raw.read(block_bytes), b""))


@dataclass(frozen=True)
class _Beginning:
    """The start of a file: its header, the header's bytes, the bytes read after it, and the line where those begin."""

    stream: Bytes
    header: Header
    header_line: bytes
    pending: bytes
    line: int


def _blocks(path: Path, block_bytes: int, dialect: Dialect) -> Iterator[RecordBlock]:
    with open_export(path, imported=True) as raw:
        start = _read_beginning(raw, path.name, block_bytes)
        header = replace(start.header, dialect=dialect)
        files = JoinedFiles(header, start.header_line)
        try:
            for block in read_blocks(start.stream, start.pending, header, block_bytes, start.line):
                yield from files.split(block)
        except UnicodeDecodeError as error:
            raise _not_utf_16(path.name, error) from error


def _read_beginning(raw: BinaryIO, file: str, block_bytes: int) -> _Beginning:
    wide = raw.read(2) in _UTF_16
    raw.seek(0)
    stream: Bytes = _Utf16(raw) if wide else raw
    try:
        start, line = read_start(stream, block_bytes), 2
        separator = _SEPARATOR_LINE.match(start)
        if separator:
            start, line = start[separator.end() :] + read_start(stream, block_bytes), 3
    except UnicodeDecodeError as error:
        raise _not_utf_16(file, error) from error
    header, length = read_header(start, file, _delimiter(start), imported=True)
    return _Beginning(stream, header, start[:length].rstrip(b"\r\n"), start[length:], line)


def _delimiter(start: bytes) -> bytes:
    line = start.partition(b"\n")[0].rstrip(b"\r")
    return next((delimiter for delimiter in _DELIMITERS if names_all_required(line, delimiter)), COMMA)


class _Utf16:
    """Reads a file in UTF-16, such as Excel's "Unicode text", as UTF-8."""

    def __init__(self, raw: BinaryIO) -> None:
        self._text = io.TextIOWrapper(raw, encoding="utf-16", newline="")

    def read(self, size: int, /) -> bytes:
        return self._text.read(size).encode()


def _not_utf_16(file: str, error: UnicodeDecodeError) -> Exception:
    return refuse(file, None, f"the text is not valid UTF-16 ({error.reason})", imported=True)
