"""Turns columns of Parquet files, of any fitting type, into the text that a CSV file would hold.

Numbers keep their exact value; doubles and floats become the shortest decimal that reads back as the same double or
float: 0.1 is a tenth. Half floats are refused, as their three digits are no amount. Reading the columns is the job of
`parquet_files`, interpreting the text that of `rows`.
"""

from typing import Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from circleci_cost.model.infrastructure.columns import BILLED, COST, END, PERIOD, START

_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"
_TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
_BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_fixed_size_binary)
_CONTAINERS = (pa.types.is_nested,)
_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)
_NUMBERS = (pa.types.is_float64, pa.types.is_float32, pa.types.is_decimal, pa.types.is_integer)
_TIMES = (pa.types.is_timestamp, pa.types.is_date)
_AMOUNTS, _MOMENTS = (COST, BILLED), (START, END, PERIOD)


def as_text(values: Any, column: str) -> pl.Series | None:
    """The values of a column as text, None where the type does not fit the column.

    Amounts are text or numbers; times are text, timestamps or dates. Every other column holds labels, which may have
    any type; containers become JSON. A column without values may have any type.
    """
    if values.null_count == len(values):
        return pl.Series([None] * len(values), dtype=pl.String)
    values = _plain(values)
    kind = values.type
    if _is(kind, _TEXTS):
        return cast(pl.Series, pl.from_arrow(values.cast(pa.large_string())))
    if column in _AMOUNTS:
        return _number(values) if _is(kind, _NUMBERS) else None
    if column in _MOMENTS:
        return _time(values) if _is(kind, _TIMES) else None
    return _label(values)


def _is(kind: Any, kinds: Any) -> bool:
    return any(fits(kind) for fits in kinds)


def _plain(values: Any) -> Any:
    """The values without dictionary, run lengths or extension type; bytes become text."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_run_end_encoded(values.type):
        values = pc.run_end_decode(values)
    if _is(values.type, _BYTES):
        values = values.cast(pa.large_binary()).cast(pa.large_string())
    return values


def _number(values: Any) -> pl.Series:
    if pa.types.is_decimal(values.type):
        values = values.cast(pa.string())
    return cast(pl.Series, pl.from_arrow(values)).cast(pl.String)


def _time(values: Any) -> pl.Series:
    """Moments in UTC; a moment without a zone is in UTC already."""
    kind = values.type
    if pa.types.is_timestamp(kind):
        # The zone only affects how a moment is shown; its value is in UTC.
        values = values.cast(pa.timestamp(kind.unit, "UTC")).cast(pa.timestamp("us", "UTC"), safe=kind.unit != "ns")
    else:
        values = values.cast(pa.timestamp("ms")).cast(pa.timestamp("us", "UTC"))
    return cast(pl.Series, pl.from_arrow(values)).dt.strftime(_TIME)


def _label(values: Any) -> pl.Series:
    kind = values.type
    if _is(kind, _CONTAINERS):
        values = values.cast(_of_text(kind))
        written = pl.select(pl.struct(pl.lit(pl.from_arrow(values)).alias("v")).struct.json_encode()).to_series()
        inner = written.str.strip_prefix('{"v":').str.strip_suffix("}")
        return inner.replace("null", None)
    if pa.types.is_decimal(kind):
        values = values.cast(pa.string())
    elif pa.types.is_duration(kind):
        values = values.cast(pa.int64())
    series = cast(pl.Series, pl.from_arrow(values))
    if series.dtype.is_float():
        # Libraries without nullable integers write an account's number as a double, and a missing one as NaN.
        whole = series.fill_nan(None).cast(pl.Float64).cast(pl.Int64, strict=False)
        if (whole.cast(pl.Float64) == series.fill_nan(None).cast(pl.Float64)).all():
            return whole.cast(pl.String)
        series = series.fill_nan(None)
    return series.cast(pl.String)


def _of_text(kind: Any) -> Any:
    """A container's type with text in place of bytes and wide decimals, which cannot be written as JSON."""
    if pa.types.is_map(kind):
        return pa.map_(pa.large_string(), _of_text(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_of_text(field.type)) for field in kind])
    if _is(kind, _LISTS):
        return pa.large_list(_of_text(kind.value_type))
    if pa.types.is_dictionary(kind):
        return _of_text(kind.value_type)
    if _is(kind, (*_BYTES, pa.types.is_decimal256)):
        return pa.large_string()
    return kind
