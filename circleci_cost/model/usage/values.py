"""Types the text of an export's values: each is read exactly, or refused with its line and column.

This module defines what a value means; `split` types the common forms in bulk and must agree with it.
Rules that need more than one value of a row belong to `normalize`, those over several rows to `job_runs`.
"""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import polars as pl

from circleci_cost.errors import ExportDataError
from circleci_cost.model.usage import resaved_values
from circleci_cost.model.usage.dialects import COMMA
from circleci_cost.model.usage.exact_values import any_timestamp, exact_credits
from circleci_cost.model.usage.schema import CREDIT_SCALE, CREDITS, TIMESTAMP, Column, Kind
from circleci_cost.model.usage.split import FALSE, TRUE, TextBlock

_UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_INTEGER = r"^-?[0-9]+$"
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$"
# What DECIMAL(18,6) holds without rounding: at most 12 digits before the point and 6 after it.
_PLAIN_DECIMAL = r"^-?[0-9]{1,12}(\.[0-9]{1,6})?$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_PLAIN_TIMESTAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?$"
_BLANK = " \t"
_SHOWN = 60

_EXPECTED = {
    Kind.TEXT: "text",
    Kind.ID: "a UUID",
    Kind.REPEATED_ID: "a UUID",
    Kind.INTEGER: "a whole number",
    Kind.PERCENT: "a number",
    Kind.CREDITS: f"a number of credits with at most {CREDIT_SCALE} decimals",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: "a date YYYY-MM-DD",
    Kind.TIMESTAMP: "a time YYYY-MM-DD HH:MM:SS[.ffffff]",
}


def type_values(text: TextBlock, column: Column) -> pl.Series:
    """Type one column of a block of text.

    Out: a series of `column.dtype`, null where the text is null. Raises `ExportDataError` with file, line and
    column for a value that is not of the column's type or that the type cannot hold exactly.
    """
    values = text.frame.get_column(column.source)
    if column.kind is Kind.TEXT:
        return _original_texts(text, values).cast(column.dtype)
    read = _READERS[column.kind](pl.col(column.source)).cast(column.dtype).alias(column.source)
    typed = values.to_frame().select(read).to_series()
    typed = _read_rare_forms(column, values, typed, _RARE_FORMS.get(column.kind))
    header = text.block.header
    if header.imported:
        if column.kind is Kind.CREDITS and header.delimiter != COMMA:
            typed = typed.set(values.str.contains(resaved_values.THOUSANDS_OR_DECIMALS).fill_null(value=False), None)
        typed = _read_rare_forms(column, values, typed, resaved_values.FORMS.get(column.kind))
    unread = typed.is_null() & values.is_not_null()
    if unread.any():
        shown = text.original(str(values.filter(unread)[0]))
        shown = shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "…"
        reason = resaved_values.reason(shown, column.kind) if header.imported else ""
        raise refuse_rows(text, column, unread, f"{shown!r} is not {_EXPECTED[column.kind]}{reason}")
    return typed


def refuse_rows(text: TextBlock, column: Column, rows: pl.Series, what: str) -> ExportDataError:
    """Build the error for the first row that is true in `rows`, a series of booleans."""
    first = int(rows.arg_true()[0])
    return text.block.header.refuse(text.line_of(first), what, column.source)


def _original_texts(text: TextBlock, values: pl.Series) -> pl.Series:
    if not text.originals:
        return values
    return values.str.replace_many(list(text.originals), list(text.originals.values()))


def _read_id(text: pl.Expr) -> pl.Expr:
    return pl.when(text.str.contains(_UUID)).then(text.str.to_lowercase())


def _read_integer(text: pl.Expr) -> pl.Expr:
    number = text.str.strip_chars(_BLANK)
    return pl.when(number.str.contains(_INTEGER)).then(number).cast(pl.Int64, strict=False)


def _read_percent(text: pl.Expr) -> pl.Expr:
    written = text.str.strip_chars(_BLANK)
    number = pl.when(written.str.contains(_NUMBER)).then(written).cast(pl.Float64, strict=False)
    return pl.when(number.is_finite()).then(number)


def _read_credits(text: pl.Expr) -> pl.Expr:
    number = text.str.strip_chars(_BLANK)
    return pl.when(number.str.contains(_PLAIN_DECIMAL)).then(number).cast(CREDITS, strict=False)


def _read_boolean(text: pl.Expr) -> pl.Expr:
    return pl.when(text.is_in(TRUE)).then(True).when(text.is_in(FALSE)).then(False)


def _read_date(text: pl.Expr) -> pl.Expr:
    day = text.str.strip_chars(_BLANK)
    read = pl.when(day.str.contains(_DATE)).then(day).str.to_date("%Y-%m-%d", strict=False)
    return pl.when(read.dt.year() >= 1).then(read)


def _read_timestamp(text: pl.Expr) -> pl.Expr:
    plain = pl.when(text.str.contains(_PLAIN_TIMESTAMP)).then(text)
    read = plain.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit=TIMESTAMP.time_unit, strict=False)
    return pl.when(read.dt.year() >= 1).then(read)


_READERS: dict[Kind, Callable[[pl.Expr], pl.Expr]] = {
    Kind.REPEATED_ID: _read_id,
    Kind.ID: _read_id,
    Kind.INTEGER: _read_integer,
    Kind.PERCENT: _read_percent,
    Kind.CREDITS: _read_credits,
    Kind.BOOLEAN: _read_boolean,
    Kind.DATE: _read_date,
    Kind.TIMESTAMP: _read_timestamp,
}


_RARE_FORMS: dict[Kind, Callable[[str], Decimal | datetime | date | None]] = {
    Kind.CREDITS: exact_credits,
    Kind.TIMESTAMP: any_timestamp,
}


def _read_rare_forms(
    column: Column, values: pl.Series, typed: pl.Series, read: Callable[[str], object] | None
) -> pl.Series:
    """Read the values that are not in a plain form, each distinct one once."""
    unread = typed.is_null() & values.is_not_null()
    if read is None or not unread.any():
        return typed
    distinct = values.filter(unread).unique()
    exact = pl.Series([read(value) for value in distinct], dtype=column.dtype)
    rare = values.set(~unread, None).replace_strict(distinct, exact, default=None, return_dtype=column.dtype)
    return typed.zip_with(typed.is_not_null(), rare)
