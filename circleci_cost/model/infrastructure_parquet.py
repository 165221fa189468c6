"""Parquet files of infrastructure costs, as blocks of the same text that a CSV file would hold.

Doubles become the shortest decimal that reads back as the same double: 0.1 is a tenth. What the values mean is the
business of `infrastructure_rows`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from circleci_cost.model.infrastructure_layout import (
    COST,
    END,
    START,
    SUB_ACCOUNT_ID,
    TAG_VALUE,
    TAGS,
    Layout,
    TextRows,
    mistake,
)

MAGIC = b"PAR1"
_ROWS = 100_000
_TIME = "%Y-%m-%dT%H:%M:%S%.6fZ"
_TEXTS = pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view
_NUMBERS = pa.types.is_floating, pa.types.is_decimal, pa.types.is_integer
_TIMES = pa.types.is_timestamp, pa.types.is_date


def read_parquet(path: Path, name: str, layout: Layout) -> Iterator[TextRows]:
    """The rows of a file in blocks; `name` is what messages call it.

    Raises `ExportDataError` for a damaged file (page checksums are verified where they are written), a missing
    column, and a column of a type that does not fit.
    """
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True)
        header = file.schema_arrow.names
        written = layout.find(name, header)
        _check_types(name, file.schema_arrow, written)
        first = 1
        for batch in file.iter_batches(batch_size=_ROWS, columns=list(written.values())):
            yield _text_rows(name, batch, written, layout.tag, first)
            first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        words = str(error).partition("\n")[0]
        raise mistake(name, None, None, f"the Parquet file is damaged or cut off ({words}); export it again") from None


def _check_types(name: str, schema: Any, written: dict[str, str]) -> None:
    for column, own in written.items():
        kind = schema.field(own).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        fitting = [*_TEXTS]
        if column in (START, END):
            fitting += _TIMES
        if column == COST:
            fitting += _NUMBERS
        if column == SUB_ACCOUNT_ID:
            fitting.append(pa.types.is_integer)
        if column == TAGS:
            fitting.append(pa.types.is_map)
        if not any(fits(kind) for fits in fitting):
            raise mistake(name, None, own, f"its type is {kind}, which does not fit; write it as FOCUS says")


def _text_rows(name: str, batch: Any, written: dict[str, str], tag: str | None, first: int) -> TextRows:
    columns: dict[str, pl.Series] = {}
    for column, own in written.items():
        values = batch.column(own)
        if column == TAGS and pa.types.is_map(values.type):
            columns[TAG_VALUE] = _text(pc.map_lookup(values, pa.scalar(tag, values.type.key_type), "first"))
        else:
            columns[column] = _text(values)
    return TextRows(name, pl.DataFrame(columns), written, lambda row: f"row {first + row}")


def _text(values: Any) -> pl.Series:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_decimal(values.type):
        values = values.cast(pa.string())
    series = cast(pl.Series, pl.from_arrow(values))
    if isinstance(series.dtype, pl.Datetime):
        zone = series.dtype.time_zone
        return (series.dt.convert_time_zone("UTC") if zone else series).dt.strftime(_TIME)
    return series.cast(pl.String)
