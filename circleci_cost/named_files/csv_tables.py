"""Reads CSV files that the configuration names, strictly: every mistake is a sentence with file and line.

The readers of each kind of file, such as `model.allocation.mapping_files`, give the columns their meaning.
"""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from circleci_cost.errors import ConfigurationError
from circleci_cost.named_files.bounded_files import read_at_most
from circleci_cost.text.plain import MANY_MARKS, QUOTABLE_LENGTH, cut, quoted
from circleci_cost.text.suggestions import suggestion_or_all
from circleci_cost.text.units import counted

LINE = "line"


def read_bytes(path: Path) -> bytes:
    """The content of a file that the configuration names. Raises `ConfigurationError`."""
    try:
        return read_at_most(path)
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}); correct the path in the configuration, or give this user read "
            "access."
        ) from error


def bytes_or_missing(path: Path) -> bytes:
    """The content of such a file, to see whether it has changed; where it cannot be read, its reader reports that."""
    try:
        return read_bytes(path)
    except ConfigurationError:
        return b"missing"


def decoded(path: Path, content: bytes) -> str:
    """The text of a file. Raises `ConfigurationError` where it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from error


def read_csv(path: Path, content: bytes, known: Sequence[str], required: Sequence[str]) -> pl.DataFrame:
    """The cells of a CSV file as text without spaces around it, NULL where empty, and `line`, from 1.

    Every column must be in `known`, and those in `required` must be present. Raises `ConfigurationError`.
    """
    reader = csv.reader(io.StringIO(decoded(path, content), newline=""), strict=True)
    try:
        numbered = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise ConfigurationError(f"{path}, line {reader.line_num}: {error}; correct that line.") from error
    if not numbered:
        raise ConfigurationError(f"{path} is empty; its first line names the columns: {', '.join(required)}.")
    header = [name.strip() for name in numbered[0][1]]
    _check_header(path, header, known, required)
    for line, row in numbered[1:]:
        if len(row) != len(header):
            raise ConfigurationError(
                f"{path}, line {line}: {counted(len(row), 'cell')} where the first line names {len(header)}; add the "
                "missing commas, or put quotes around a value that holds one."
            )
    frame = pl.DataFrame([row for _, row in numbered[1:]], {name: pl.String() for name in header}, orient="row")
    text = pl.all().str.strip_chars()
    filled = frame.select(pl.when(text != "").then(text).name.keep())
    filled = filled.with_columns(same_names(pl.col(name)) for name in filled.columns)
    return filled.with_columns(pl.Series(LINE, [line for line, _ in numbered[1:]], pl.Int64()))


def same_names(text: pl.Expr) -> pl.Expr:
    """A column of text as `text.plain.same_name` has its values."""
    may_be_sorted = pl.when(~text.str.contains(MANY_MARKS)).then(text)
    return pl.coalesce(may_be_sorted.str.normalize("NFC"), text)


def _check_header(path: Path, header: Sequence[str], known: Sequence[str], required: Sequence[str]) -> None:
    repeated = [name for name, count in Counter(header).items() if count > 1]
    if repeated:
        raise ConfigurationError(
            f"{path}, line 1: the column {quoted(repeated[0])} is there twice; leave one of them out."
        )
    unknown = [name for name in header if name not in known]
    if unknown:
        hint = suggestion_or_all(unknown[0], known)
        raise ConfigurationError(f"{path}, line 1: {quoted(unknown[0])} is no column of such a file; {hint}")
    missing = [name for name in required if name not in header]
    if missing:
        raise ConfigurationError(f"{path}, line 1: the column {missing[0]!r} is missing; add it.")


def refuse_empty(path: Path, frame: pl.DataFrame, column: str) -> None:
    """Raise `ConfigurationError` for the first line without a value in a column."""
    empty = frame.filter(pl.col(column).is_null())
    if not empty.is_empty():
        raise ConfigurationError(f"{path}, line {empty.item(0, LINE)}: {column} is empty; write a value.")


def parsed(path: Path, frame: pl.DataFrame, column: str, parse: pl.Expr, how: str) -> pl.DataFrame:
    """The frame with a column of text replaced by the values of `parse`, which is NULL for unreadable text.

    Raises `ConfigurationError` with the line and text of the first unreadable value; `how` says how to write it.
    """
    wrong = frame.filter(pl.col(column).is_not_null() & parse.is_null())
    if not wrong.is_empty():
        value, line = wrong.item(0, column), wrong.item(0, LINE)
        raise ConfigurationError(f"{path}, line {line}: {column} = {cut(str(value), QUOTABLE_LENGTH)}: {how}.")
    return frame.with_columns(parse.alias(column))


def day_of(column: str) -> pl.Expr:
    """A column of text as days, NULL where the text is not `YYYY-MM-DD`."""
    text = pl.col(column)
    written = pl.when(text.str.contains(r"^\d{4}-\d{2}-\d{2}$")).then(text)
    return written.str.to_date("%Y-%m-%d", strict=False)
