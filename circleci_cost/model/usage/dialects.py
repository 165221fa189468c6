r"""The two dialects in which CircleCI writes a usage export: telling them apart, escapes, where a record ends.

This works on bytes only; turning records into columns is the job of `split` and `normalize`.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NULLS = (r"\\N", r"\N", "")

_ESCAPED = ("\\", ",", "\n")
# Noncharacters, which Unicode keeps out of text that is exchanged.
_STAND_INS = tuple(chr(point) for point in range(0xFDD0, 0xFDF0))

COMMA = b","


class Dialect(Enum):
    r"""`UNQUOTED`: no quotes, backslash escapes, `\\N` is null. `QUOTED`: every value in quotes."""

    UNQUOTED = "unquoted"
    QUOTED = "quoted"


def detect_dialect(start: bytes) -> Dialect:
    """Tell the dialect from the header and the first byte after it (without a byte order mark).

    It is quoted where the header or the first record begins with a quote: no value that CircleCI writes there does.
    """
    lines = start.split(b"\n", 2)
    return Dialect.QUOTED if any(line.startswith(b'"') for line in lines[:2]) else Dialect.UNQUOTED


@dataclass(frozen=True)
class _Quoted:
    """The grammar of quoted records for a delimiter of one byte."""

    records: re.Pattern[bytes]
    record: re.Pattern[bytes]
    value: re.Pattern[bytes]


@cache
def _quoted(delimiter: bytes) -> _Quoted:
    value = rb'(?:"[^"]*+(?:""[^"]*+)*+"|[^"%b\r\n]*+)' % delimiter
    record = rb"%b(?:%b%b)*+" % (value, delimiter, value)
    return _Quoted(
        records=re.compile(rb"(?:%b\r?\n)*+(?:%b)?+\Z" % (record, record)),
        record=re.compile(rb"%b(?:\r?\n|\Z)" % record),
        value=re.compile(value),
    )


def parse_header(line: bytes, dialect: Dialect, delimiter: bytes = COMMA) -> list[str]:
    """Split the header line into names as written. Raises `ValueError` for broken UTF-8 or a wrong quote."""
    text = line.decode("utf-8")
    if dialect is Dialect.UNQUOTED:
        return text.split(",")
    try:
        return next(csv.reader([text], strict=True, delimiter=delimiter.decode()))
    except csv.Error as error:
        raise ValueError(str(error)) from error


def whole_records(data: bytes, dialect: Dialect) -> int:
    """Count the bytes at the start of `data` that are whole records: up to the last line end that ends a record.

    A line end inside quotes, or after an odd number of backslashes in the unquoted dialect, does not end a record.
    """
    cut = data.rfind(b"\n") + 1
    if dialect is Dialect.QUOTED:
        open_quotes = data.count(b'"', 0, cut) % 2
        while cut and open_quotes:
            previous = data.rfind(b"\n", 0, cut - 1) + 1
            open_quotes = (open_quotes + data.count(b'"', previous, cut)) % 2
            cut = previous
        return cut
    while cut and backslashes_before(data, cut - 1) % 2:
        cut = data.rfind(b"\n", 0, cut - 1) + 1
    return cut


def backslashes_before(data: bytes, position: int) -> int:
    """Count the backslashes directly before a position."""
    start = position
    while start and data[start - 1] == 0x5C:
        start -= 1
    return position - start


def hide_escapes(data: bytes) -> tuple[bytes, dict[str, str]]:
    r"""Replace escaped characters of the unquoted dialect by stand-ins; return the data and each stand-in's original.

    Escapes are read from the left: `\\,` is a backslash that ends a value. A backslash before any other character is
    kept as it is. Raises `ValueError` where the data leaves too few characters to serve as stand-ins.
    """
    free = [character for character in _STAND_INS if character.encode() not in data]
    if len(free) < len(_ESCAPED):
        raise ValueError("the records hold too many Unicode noncharacters (U+FDD0 to U+FDEF)")
    originals = dict(zip(free, _ESCAPED, strict=False))
    for stand_in, original in originals.items():
        data = data.replace(b"\\" + original.encode(), stand_in.encode())
    return data, originals


def strictly_quoted(data: bytes, columns: int, delimiter: bytes = COMMA) -> bool:
    """Whether every quote of quoted records stands where the dialect allows one.

    Counting settles the common case: two quotes per value and `","` between all values. Only records with quotes
    inside values, with bare values or with a stray CR are checked value by value.
    """
    records, rest = divmod(data.count(b'"'), 2 * columns)
    if (
        rest == 0
        and data.count(b'"%b"' % delimiter) == records * (columns - 1)
        and data.endswith((b'"', b'"\n', b'"\r\n'))
        and data.count(b"\r") == data.count(b'"\r\n')
    ):
        return True
    return _quoted(delimiter).records.match(data) is not None


def quoted_records(data: bytes, delimiter: bytes = COMMA) -> Iterator[tuple[int, int]]:
    """Yield each record's line, from 0, and number of values, up to the first that is not strictly quoted.

    Raises `ValueError` with that record's line.
    """
    grammar = _quoted(delimiter)
    position = line = 0
    while position < len(data):
        record = grammar.record.match(data, position)
        if record is None:
            raise ValueError(str(line))
        text = record.group().removesuffix(b"\n").removesuffix(b"\r")
        values = 1
        end = _end_of_value(grammar, text, 0)
        while end < len(text):
            values, end = values + 1, _end_of_value(grammar, text, end + 1)
        yield line, values
        line += record.group().count(b"\n")
        position = record.end()


def _end_of_value(grammar: _Quoted, record: bytes, start: int) -> int:
    value = grammar.value.match(record, start)
    return value.end() if value else len(record)


def unquoted_records(data: bytes, originals: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Yield each record's line, from 0, and number of values; `data` and `originals` from `hide_escapes`."""
    hidden_newlines = [stand_in.encode() for stand_in, original in originals.items() if original == "\n"]
    line = 0
    for record in data.removesuffix(b"\n").split(b"\n"):
        yield line, record.count(b",") + 1
        line += 1 + sum(record.count(newline) for newline in hidden_newlines)
