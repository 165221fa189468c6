"""Splits a block of records into columns: typed at once where all values have the common form, else as exact text.

pyarrow splits and converts: of the readers measured it is the fastest that refuses ragged rows and broken
UTF-8 (Polars pads short rows; DuckDB's gzip reader checks no CRC). Faults that it lets pass are refused here.
Typing uncommon values is `normalize`'s job.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv

from circleci_cost.errors import ExportDataError
from circleci_cost.model.usage import dialects
from circleci_cost.model.usage.dialects import Dialect
from circleci_cost.model.usage.records import Header, RecordBlock
from circleci_cost.model.usage.schema import EXPORT_COLUMNS, Column, Kind
from circleci_cost.text.units import counted

# The parser's own pieces: small ones stay in the processor's cache.
_PIECE_BYTES = 1 << 20
_KNOWN = {column.source: column for column in EXPORT_COLUMNS}
_REPEATED = pa.dictionary(pa.int32(), pa.string())
_TYPES: dict[Kind, pa.DataType] = {
    Kind.TEXT: _REPEATED,
    Kind.REPEATED_ID: _REPEATED,
    Kind.ID: pa.string(),
    Kind.INTEGER: pa.int64(),
    Kind.PERCENT: pa.float64(),
    Kind.CREDITS: pa.int64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
    Kind.TIMESTAMP: pa.timestamp("us"),
}
TRUE, FALSE = ("true", "True", "Y"), ("false", "False", "N")

_HEX_NUMBER = re.compile(rb'(?:\A|[,;"\n \t])0[xX]')
# So much of a block is searched at a time: it stays in the processor's cache.
_SEARCHED_BYTES = 1 << 18
_UUID_LENGTH = 36
# A UUID with h in place of each digit; the table does that, and turns what may not stand in a UUID into a NUL byte.
_UUID_FORM = b"-".join(b"h" * digits for digits in (8, 4, 4, 4, 12))
_TO_UUID_FORM = bytes(
    ord("h") if byte in b"0123456789abcdef" else byte if byte == ord("-") else 0 for byte in range(256)
)


@dataclass(frozen=True)
class TextBlock:
    """Records as text (null where the file says null), with what is needed to find the line of each."""

    frame: pl.DataFrame
    block: RecordBlock
    data: bytes
    originals: Mapping[str, str]

    def line_of(self, row: int) -> int:
        """The physical line, from 1, on which a row of the frame begins."""
        for index, (line, _) in enumerate(self.records()):
            if index == row:
                return self.block.first_line + line
        raise IndexError(row)

    def original(self, value: str) -> str:
        """The value that the file means: stand-ins replaced by the characters that they stand for."""
        return value.translate({ord(stand_in): original for stand_in, original in self.originals.items()})

    def records(self) -> Iterator[tuple[int, int]]:
        """Yield each record's line, from 0 within the block, and its number of values."""
        if self.block.header.dialect is Dialect.QUOTED:
            return dialects.quoted_records(self.data, self.block.header.delimiter)
        return dialects.unquoted_records(self.data, self.originals)


def split_typed(block: RecordBlock) -> pl.DataFrame | None:
    """Split and type in one go, six times as fast as via text; None where any value lacks the common form.

    Out: the known columns of the file, named as in the export. Common form: strict dialect, no escape but the
    nulls, integers for credits, lower-case UUIDs, timestamps without offset. Nothing else is typed here, so
    `split_text` and `values` alone decide what an uncommon value means and what is wrong.
    """
    if _stray_byte(block) is not None or _may_hold_hex_number(block.data):
        return None
    try:
        table = _read_csv(block.header, block.data, dialects.NULLS, lambda column: _TYPES[column.kind])
    except pa.ArrowInvalid:
        return None
    unescaped = block.header.dialect is Dialect.UNQUOTED
    for name in table.column_names:
        kind = _KNOWN[name].kind
        for chunk in table.column(name).chunks:
            if unescaped and pa.types.is_dictionary(chunk.type) and _holds_backslash(chunk.dictionary):
                return None
            if kind is Kind.ID and not _all_uuids(chunk):
                return None
            if kind is Kind.REPEATED_ID and not _all_uuids(chunk.dictionary):
                return None
    return pl.DataFrame(pl.from_arrow(table, rechunk=False))


def split_text(block: RecordBlock) -> TextBlock:
    """Split into text.

    Raises `ExportDataError` with file and line for ragged rows, quotes out of place or not closed, broken UTF-8, a
    NUL byte, or a lone CR.
    """
    header, data, originals = block.header, block.data, dict[str, str]()
    stray = _stray_byte(block)
    if stray is not None:
        raise header.refuse(*stray)
    if header.dialect is Dialect.UNQUOTED:
        try:
            data, originals = dialects.hide_escapes(data)
        except ValueError as error:
            raise header.refuse(block.first_line, str(error)) from error
    hidden_null = [f"{stand_in}N" for stand_in, original in originals.items() if original == "\\"]
    text = TextBlock(pl.DataFrame(), block, data, originals)
    try:
        table = _read_csv(header, data, (*dialects.NULLS, *hidden_null), lambda column: pa.string())
    except pa.ArrowInvalid as error:
        raise _explain(text, error) from error
    return TextBlock(pl.DataFrame(pl.from_arrow(table)), block, data, originals)


def _read_csv(header: Header, data: bytes, nulls: Sequence[str], type_of: Callable[[Column], pa.DataType]) -> pa.Table:
    known = {name: _KNOWN[name] for name in header.columns if name in _KNOWN}
    types = {name: type_of(column) for name, column in known.items()}
    if not data:
        return pa.schema(types).empty_table()
    quoted = header.dialect is Dialect.QUOTED
    # The parser refuses a record that straddles two of its pieces, as only one of a MiB or more ever does.
    for piece_bytes in (_PIECE_BYTES, len(data) + 1):
        try:
            return pa_csv.read_csv(
                pa.BufferReader(data),
                read_options=pa_csv.ReadOptions(
                    column_names=list(header.columns), block_size=piece_bytes, use_threads=False
                ),
                parse_options=pa_csv.ParseOptions(
                    delimiter=header.delimiter.decode(),
                    quote_char='"' if quoted else False,
                    double_quote=quoted,
                    escape_char=False,
                    newlines_in_values=quoted,
                    ignore_empty_lines=False,
                ),
                convert_options=pa_csv.ConvertOptions(
                    column_types=types,
                    include_columns=list(known),
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=True,
                    null_values=list(nulls),
                    true_values=list(TRUE),
                    false_values=list(FALSE),
                ),
            )
        except pa.ArrowInvalid as error:
            if "straddl" not in str(error) or piece_bytes > len(data):
                raise
    raise AssertionError("unreachable")


def _stray_byte(block: RecordBlock) -> tuple[int, str] | None:
    """The line of the first byte that may not stand where it does, and what is wrong with it; None without any."""
    data = block.data
    position = data.find(b"\0")
    if position >= 0:
        return block.line_at(position), "a NUL byte, which no export holds"
    if block.header.dialect is Dialect.UNQUOTED:
        if b"\r" not in data:
            return None
        lone = re.search(rb"\r(?!\n)", data)
        return (block.line_at(lone.start()), "a lone carriage return (CR) inside a record") if lone else None
    if dialects.strictly_quoted(data, len(block.header.columns), block.header.delimiter):
        return None
    try:
        deque(dialects.quoted_records(data, block.header.delimiter), maxlen=0)
    except ValueError as error:
        line = block.first_line + int(str(error))
        return line, "a quote is not closed or is followed by other text, or a line ends with a lone CR"
    raise AssertionError("records are strictly quoted one by one, and not together")


def _may_hold_hex_number(data: bytes) -> bool:
    """Whether a value begins with `0x`, which pyarrow would read as a number. Pairs of bytes are compared first."""
    rare = any(
        bool((pairs == prefix).any())
        for start in range(0, len(data), _SEARCHED_BYTES)
        for odd in (0, 1)
        for pairs in (_pairs(data, start + odd),)
        for prefix in (0x7830, 0x5830)
    )
    return rare and _HEX_NUMBER.search(data) is not None


def _pairs(data: bytes, start: int) -> "np.ndarray[tuple[int], np.dtype[np.uint16]]":
    """The pairs of bytes from `start` on that are searched together."""
    count = max(min(_SEARCHED_BYTES, len(data) - start), 0) // 2
    return np.frombuffer(data, "<u2", count, start) if count else np.empty(0, "<u2")


def _holds_backslash(texts: pa.StringArray) -> bool:
    return b"\\" in _bytes_of(texts)


def _all_uuids(texts: pa.StringArray) -> bool:
    """Whether all values that are not null are UUIDs in lower case."""
    lengths = np.diff(np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1])
    values = len(texts) - texts.null_count
    if lengths.max(initial=0) > _UUID_LENGTH or lengths.sum() != values * _UUID_LENGTH:
        return False
    return bool(_bytes_of(texts).translate(_TO_UUID_FORM) == _UUID_FORM * values)


def _bytes_of(texts: pa.StringArray) -> bytes:
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = texts.buffers()[2]
    return b"" if data is None or not len(texts) else data.slice(offsets[0], offsets[-1] - offsets[0]).to_pybytes()


def _explain(text: TextBlock, error: pa.ArrowInvalid) -> ExportDataError:
    """Find the line of what pyarrow refused; it names no line when it parses in parallel."""
    block, header = text.block, text.block.header
    try:
        text.data.decode("utf-8")
    except UnicodeDecodeError as broken:
        return _not_text(text, text.data[: broken.start])
    expected = len(header.columns)
    for line, values in text.records():
        if values != expected:
            what = f"{counted(values, 'value')} where the header has {expected} columns"
            return header.refuse(block.first_line + line, what)
    return header.refuse(block.first_line, f"the records after this line cannot be split ({error})")


def _not_text(text: TextBlock, before: bytes) -> ExportDataError:
    header = text.block.header
    line = text.block.first_line + before.count(b"\n")
    line += sum(before.count(stand_in.encode()) for stand_in, original in text.originals.items() if original == "\n")
    bare = b"".join(before.split(b'"')[::2]) if header.dialect is Dialect.QUOTED else before
    position = bare[bare.rfind(b"\n") + 1 :].count(header.delimiter)
    column = header.columns[min(position, len(header.columns) - 1)]
    return header.refuse(line, "the text is not valid UTF-8", column)
