"""Splits a file that a person joined from several at the headers among its records, and drops empty rows.

Reading a single file is `imported_records`' job.
"""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from circleci_cost.model.usage import dialects
from circleci_cost.model.usage.dialects import BYTE_ORDER_MARK, COMMA, Dialect
from circleci_cost.model.usage.records import Header, RecordBlock, absent_columns, column_names
from circleci_cost.model.usage.schema import EXPORT_COLUMNS

_HEADER_MARK = b"TOTAL_CREDITS"
_REQUIRED = tuple(column.source.encode() for column in EXPORT_COLUMNS if column.required)
_EMPTY_ROW = rb'(?:[,;\t ]|"")*+'
_EMPTY_ROWS = re.compile(rb"(?:(?<=\n)|\A)(?:(?:%b\r?\n)++(?:%b\Z)?|%b\Z)" % (_EMPTY_ROW, _EMPTY_ROW, _EMPTY_ROW))
_QUOTE, _LINE_END = ord('"'), ord("\n")
_BEGINS_EMPTY_ROW = np.isin(np.arange(256), list(b',;\t "\r\n'))


class JoinedFiles:
    """Splits blocks of records at the headers of further files; `header_line` is the header as it is written."""

    def __init__(self, header: Header, header_line: bytes) -> None:
        self._header = header
        self._line = header_line

    def split(self, block: RecordBlock) -> Iterator[RecordBlock]:
        """Yield the records of a block without headers and empty rows, each piece with the header above it.

        Raises `ExportDataError` for a header with another separator or other quotes than the first: the records below
        it would be misread.
        """
        done = checked = 0
        starts = _RecordStarts(block.data, self._header.dialect)
        written = block.data.upper()
        while (mark := written.find(_HEADER_MARK, checked)) >= 0:
            # Check a line once, however often it names the column.
            checked = block.data.find(b"\n", mark) + 1 or len(block.data)
            repeated = self._header_at(block, mark, starts)
            if repeated is None:
                continue
            start, end, header = repeated
            yield from self._records(block, done, start)
            self._header, self._line = header, block.data[start:end].removeprefix(BYTE_ORDER_MARK).rstrip(b"\r\n")
            done = end
        yield from self._records(block, done, len(block.data))

    def _header_at(self, block: RecordBlock, position: int, starts: "_RecordStarts") -> tuple[int, int, Header] | None:
        """The start and end of the header around this position, and what it says; None where the line is a record."""
        data = block.data
        start = data.rfind(b"\n", 0, position) + 1
        end = data.find(b"\n", position) + 1 or len(data)
        line = data[start:end].rstrip(b"\r\n")
        written = line.upper()
        if not all(name in written for name in _REQUIRED) or not starts.begins_a_record(start):
            return None
        if self._ends_with_header(line):
            return end - len(data[start:end]) + len(line) - len(self._line), end, self._header
        line = line.removeprefix(BYTE_ORDER_MARK)
        if names_all_required(line, self._header.delimiter) and line.startswith(b'"') == self._line.startswith(b'"'):
            return start, end, self._named(block, start, line)
        if any(names_all_required(line, delimiter) for delimiter in (COMMA, b";", b"\t")):
            raise self._header.refuse(
                block.line_at(start),
                "a file with another separator or other quotes begins here; import each of the joined files by itself",
            )
        return None

    def _ends_with_header(self, line: bytes) -> bool:
        """Whether the line is a file's last record, without a line end, followed by the header of the next file."""
        before = line.removesuffix(self._line)
        if len(before) == len(line) or not before or before == BYTE_ORDER_MARK:
            return False
        return before.count(self._header.delimiter) >= len(self._header.columns) - 1 and before.count(b'"') % 2 == 0

    def _named(self, block: RecordBlock, start: int, line: bytes) -> Header:
        if line == self._line:
            return self._header
        names = dialects.parse_header(line, Dialect.QUOTED, self._header.delimiter)
        columns = column_names(names, imported=True)
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise self._header.refuse(block.line_at(start), f"the header names {', '.join(twice)} twice")
        return replace(self._header, columns=columns)

    def _records(self, block: RecordBlock, start: int, end: int) -> Iterator[RecordBlock]:
        """The records between two positions of a block, without the empty rows."""
        data = block.data[start:end]
        data = data.removesuffix(BYTE_ORDER_MARK)
        done, line = 0, block.line_at(start)
        if not _may_hold_empty_rows(data):
            yield from self._piece(data, line)
            return
        starts = _RecordStarts(data, self._header.dialect)
        for rows in _EMPTY_ROWS.finditer(data):
            if rows.group() and starts.begins_a_record(rows.start()):
                yield from self._piece(data[done : rows.start()], line)
                line += data.count(b"\n", done, rows.end())
                done = rows.end()
        yield from self._piece(data[done:], line)

    def _piece(self, data: bytes, line: int) -> Iterator[RecordBlock]:
        if data:
            yield RecordBlock(self._header, data, line)


def _may_hold_empty_rows(data: bytes) -> bool:
    """Whether a line begins as an empty row does: the exact search for one takes a hundred times as long."""
    if not data:
        return False
    written = np.frombuffer(data, np.uint8)
    starts = np.concatenate(([0], np.flatnonzero(written[:-1] == _LINE_END) + 1))
    first, second = written[starts], written[np.minimum(starts + 1, len(data) - 1)]
    return bool((_BEGINS_EMPTY_ROW[first] & ((first != _QUOTE) | (second == _QUOTE))).any())


class _RecordStarts:
    """Tells whether a line begins a record. Ask in ascending order, so that each quote is counted once."""

    def __init__(self, data: bytes, dialect: Dialect) -> None:
        self._data = data
        self._dialect = dialect
        self._quotes = self._counted = 0

    def begins_a_record(self, start: int) -> bool:
        """Whether a record begins where this line begins."""
        if self._dialect is not Dialect.QUOTED:
            return start == 0 or dialects.backslashes_before(self._data, start - 1) % 2 == 0
        self._quotes += self._data.count(b'"', self._counted, start)
        self._counted = start
        return self._quotes % 2 == 0


def names_all_required(line: bytes, delimiter: bytes) -> bool:
    """Whether a line is a header of a usage export with this delimiter."""
    try:
        names = dialects.parse_header(line.removeprefix(BYTE_ORDER_MARK), Dialect.QUOTED, delimiter)
    except ValueError:
        return False
    return not absent_columns(column_names(names, imported=True))
