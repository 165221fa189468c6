"""From one imported file to blocks of whole records, where a person may have joined files or saved one again.

Other separators, quotes only where needed, columns without a name and UTF-16 are read here, as long as that can mean
one thing only. Downloaded parts are read by `records` alone: CircleCI writes none of it. Headers and empty rows among
the records are the business of `joined`.
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
# Excel writes and reads it: the separator of the lines that follow.
_SEPARATOR_LINE = re.compile(rb'"?sep=."?\r?\n', re.IGNORECASE)


def read_imported(path: Path, block_bytes: int = BLOCK_BYTES) -> Iterator[RecordBlock]:
    """Read a gzip-compressed file that a person imports, as `records.read_records` reads a downloaded one.

    A block may begin behind a header or an empty row that was left out. Raises `ExportDataError` as that does, and
    where it cannot be told what the file means.
    """
    with open_export(path, imported=True) as raw:
        start = _read_beginning(raw, path.name, block_bytes)
    header = start.header
    if header.dialect is Dialect.UNQUOTED:
        header = replace(header, dialect=dialect_of(header, lambda dialect: _blocks(path, block_bytes, dialect)))
    empty = True
    for block in _blocks(path, block_bytes, header.dialect):
        empty = False
        yield block
    if empty:
        yield RecordBlock(header, b"", start.line)


@dataclass(frozen=True)
class _Beginning:
    """The header, its bytes, the bytes that were read behind it, and the line on which they begin."""

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
    return next((each for each in _DELIMITERS if names_all_required(line, each)), COMMA)


class _Utf16:
    """A file in UTF-16, as Excel's "Unicode text" is, read as UTF-8."""

    def __init__(self, raw: BinaryIO) -> None:
        self._text = io.TextIOWrapper(raw, encoding="utf-16", newline="")

    def read(self, size: int, /) -> bytes:
        return self._text.read(size).encode()


def _not_utf_16(file: str, error: UnicodeDecodeError) -> Exception:
    return refuse(file, None, f"the text is not valid UTF-16 ({error.reason})", imported=True)
