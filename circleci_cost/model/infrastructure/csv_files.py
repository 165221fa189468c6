"""Reads CSV files of infrastructure costs, plain or gz, as blocks of text: every record whole, or the file is refused.

pyarrow splits records: it refuses ragged rows but accepts misplaced quotes, so quotes are checked here. Interpreting
the values is the job of `rows`.
"""

import csv
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, BinaryIO, TypeAlias, cast

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.csv as pa_csv
from isal import igzip, isal_zlib

from circleci_cost.errors import ExportDataError
from circleci_cost.model.infrastructure.columns import Layout, TextRows, mistake, shown
from circleci_cost.text.units import counted

GZIP = b"\x1f\x8b"
_BLOCK_BYTES = 16 << 20
_LONGEST_RECORD = 64 << 20
# The parser's own pieces: small ones stay in the processor's cache.
_PIECE_BYTES = 1 << 20
_NULLS = ["", "NULL", "null"]
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_QUOTE, _COMMA, _NEWLINE, _RETURN = (ord(character) for character in '",\n\r')
_BEFORE_VALUE, _AFTER_VALUE = (_COMMA, _NEWLINE, _QUOTE), (_COMMA, _NEWLINE, _RETURN, _QUOTE)
_OTHER_KINDS = {
    b"<": "an HTML or XML page",
    b"{": "JSON",
    b"[": "JSON",
    b"PK\x03\x04": "a zip archive",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"PAR1": "Parquet inside gzip",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
_ISAL_ERROR: type[Exception] = isal_zlib.error  # type: ignore[assignment] # its stub calls the class an instance
_Positions: TypeAlias = npt.NDArray[np.int64]


def read_csv(raw: BinaryIO, name: str, layout: Layout) -> Iterator[TextRows]:
    """The rows of a file in blocks; messages call it `name`. A file with only a header has no blocks.

    Raises `ExportDataError` with file and line for: a broken or truncated gz, a missing header or one of another
    kind of file, ragged rows, quotes out of place or not closed, text that is not UTF-8, lines that end with a lone CR.
    """
    packed = raw.read(len(GZIP)) == GZIP
    raw.seek(0)
    try:
        stream = cast(BinaryIO, igzip.open(raw, "rb") if packed else raw)  # type: ignore[no-untyped-call]
        yield from _read_stream(stream, name, layout)
    except (EOFError, igzip.BadGzipFile, zlib.error, _ISAL_ERROR) as error:
        raise mistake(name, None, None, f"the gz is damaged or cut off ({error}); copy or export it again") from None


def _read_stream(stream: BinaryIO, file: str, layout: Layout) -> Iterator[TextRows]:
    pending = b""
    while b"\n" not in pending and len(pending) < _BLOCK_BYTES and (more := stream.read(_BLOCK_BYTES)):
        pending += more
    header, pending = _header(pending, file)
    written, line, at_end = layout.find(file, header), 2, False
    while not at_end:
        more = stream.read(_BLOCK_BYTES)
        at_end = not more
        pending += more
        block = _Block(file, pending, line, header)
        if not at_end:
            cut = block.whole_records
            if len(pending) - cut > _LONGEST_RECORD:
                raise block.mistake(cut, "a record without an end begins here; close its quotes")
            block, pending = _Block(file, pending[:cut], line, header), pending[cut:]
        if block.data.strip():
            yield block.rows(written)
        line += block.data.count(b"\n")


def _header(start: bytes, file: str) -> tuple[list[str], bytes]:
    start = start.removeprefix(_BYTE_ORDER_MARK)
    if not start.strip():
        raise mistake(file, None, None, "the file is empty, not even a header is there; export it again")
    kind = next((what for magic, what in _OTHER_KINDS.items() if start.lstrip().startswith(magic)), None)
    line, _, rest = start.partition(b"\n")
    line = line.removesuffix(b"\r")
    if kind is None and b"\0" in line:
        kind = "no text"
    if kind is not None:
        raise mistake(file, "line 1", None, f"this is {kind}, not CSV in UTF-8; export it again as CSV or Parquet")
    if b"\r" in line:
        raise mistake(file, "line 1", None, "lines end with a lone CR; save the file with LF or CRLF")
    try:
        return next(csv.reader([line.decode("utf-8")], strict=True)), rest
    except UnicodeDecodeError:
        raise mistake(file, "line 1", None, "this is not UTF-8 text; save the file as CSV UTF-8") from None
    except csv.Error as error:
        raise mistake(file, "line 1", None, f"the header cannot be read ({error}); correct it") from None


@dataclass(frozen=True)
class _Block:
    """Bytes of a file that begin with a record; `line` is the physical line, from 1, on which it begins."""

    file: str
    data: bytes = field(repr=False)
    line: int
    header: Sequence[str]

    def mistake(self, position: int, what: str) -> ExportDataError:
        """The error for a mistake at the byte `position`."""
        return mistake(self.file, self._line_of(position), None, what)

    def _line_of(self, position: int) -> str:
        newlines = self.data.count(b"\n", 0, position)
        return f"line {self.line + newlines}"

    @cached_property
    def whole_records(self) -> int:
        """The number of bytes that are whole records."""
        return int(self._ends[-1]) + 1 if len(self._ends) else 0

    def rows(self, written: dict[str, str]) -> TextRows:
        """The columns `written` of all records. Raises `ExportDataError`."""
        self._check_bytes()
        try:
            table = self._split(list(written.values()))
        except pa.ArrowInvalid as error:
            raise self._explained(str(error)) from None
        frame = cast(pl.DataFrame, pl.from_arrow(table))
        return TextRows(
            self.file, frame.rename({name: column for column, name in written.items()}), written, self.place
        )

    def place(self, row: int) -> str:
        """The line of a row; empty lines are not rows."""
        start = next(at for index, (at, _) in enumerate(self._records()) if index == row)
        return self._line_of(start)

    def _check_bytes(self) -> None:
        if (zero := self.data.find(b"\0")) >= 0:
            raise self.mistake(zero, "a NUL byte, which no text holds; export the file again")
        quotes, text = self._quotes, self._text
        opening, closing = quotes[::2], quotes[1::2]
        before = text[np.maximum(opening - 1, 0)]
        misplaced = opening[~np.isin(before, _BEFORE_VALUE) & (opening > 0)]
        after = text[np.minimum(closing + 1, len(text) - 1)]
        unclosed = closing[~np.isin(after, _AFTER_VALUE) & (closing < len(text) - 1)] if len(text) else closing
        if len(unclosed) and (not len(misplaced) or unclosed[0] < misplaced[0]):
            raise self.mistake(
                int(quotes[np.searchsorted(quotes, unclosed[0]) - 1]),
                "a quote is not closed, or text follows it; double the quotes inside a value",
            )
        if len(misplaced):
            raise self.mistake(int(misplaced[0]), "a quote inside a value without quotes; put quotes around the value")
        if len(quotes) % 2:
            raise self.mistake(int(quotes[-1]), "a quote is not closed; the file may be cut off, export it again")
        if self.data.count(b"\r") != self.data.count(b"\r\n"):
            returns = np.flatnonzero(text == _RETURN)
            followed = np.append(text, _NEWLINE)[returns + 1] == _NEWLINE
            lone = returns[~followed & ~self._quoted(returns)]
            if len(lone):
                raise self.mistake(int(lone[0]), "a line ends with a lone CR; save the file with LF or CRLF")

    def _split(self, wanted: list[str]) -> Any:
        # The parser refuses a record that straddles two of its pieces, as only one of a MiB or more ever does.
        for piece_bytes in (_PIECE_BYTES, len(self.data) + 1):
            try:
                return pa_csv.read_csv(
                    pa.BufferReader(self.data),
                    read_options=pa_csv.ReadOptions(column_names=list(self.header), block_size=piece_bytes),
                    parse_options=pa_csv.ParseOptions(newlines_in_values=True),
                    convert_options=pa_csv.ConvertOptions(
                        column_types=dict.fromkeys(wanted, pa.string()),
                        include_columns=wanted,
                        strings_can_be_null=True,
                        quoted_strings_can_be_null=True,
                        null_values=_NULLS,
                    ),
                )
            except pa.ArrowInvalid as error:
                if "straddl" not in str(error) or piece_bytes > len(self.data):
                    raise
        raise AssertionError("unreachable")

    def _explained(self, words: str) -> ExportDataError:
        try:
            self.data.decode("utf-8")
        except UnicodeDecodeError as error:
            return self.mistake(error.start, "this is not UTF-8 text; save the file as CSV UTF-8")
        for start, values in self._records():
            if values != len(self.header):
                return self.mistake(
                    start,
                    f"there {'is' if values == 1 else 'are'} {counted(values, 'value')}, the header names "
                    f"{len(self.header)}; export the file again, or put quotes around a value that holds a comma",
                )
        return mistake(self.file, None, None, f"this cannot be read as CSV ({shown(words)}); export it again")

    def _records(self) -> Iterator[tuple[int, int]]:
        """The first byte of each record that is not an empty line, and its number of values."""
        commas = np.flatnonzero(self._text == _COMMA)
        commas = commas[~self._quoted(commas)]
        ends = np.append(self._ends, len(self.data)) if self.whole_records < len(self.data) else self._ends
        starts = np.append(0, ends[:-1] + 1)
        values = np.searchsorted(commas, ends) - np.searchsorted(commas, starts) + 1
        for start, end, count in zip(starts.tolist(), ends.tolist(), values.tolist(), strict=True):
            if self.data[start:end].strip(b"\r"):
                yield start, count

    @cached_property
    def _text(self) -> npt.NDArray[np.uint8]:
        return np.frombuffer(self.data, np.uint8)

    @cached_property
    def _quotes(self) -> _Positions:
        return np.flatnonzero(self._text == _QUOTE)

    @cached_property
    def _ends(self) -> _Positions:
        """The positions of the line ends that end a record."""
        newlines = np.flatnonzero(self._text == _NEWLINE)
        return newlines[~self._quoted(newlines)]

    def _quoted(self, positions: _Positions) -> npt.NDArray[np.bool_]:
        """Whether each position lies inside quotes."""
        return np.asarray(np.searchsorted(self._quotes, positions) & 1, np.bool_)
