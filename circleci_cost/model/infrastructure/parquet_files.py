"""Reads Parquet files of infrastructure costs, as blocks of the same text that a CSV file would hold.

Turning values into text is the job of `arrow_text`, interpreting them that of `rows`.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from circleci_cost.model.infrastructure.arrow_text import as_text
from circleci_cost.model.infrastructure.columns import Layout, TextRows, mistake

_ROWS = 100_000


def read_parquet(raw: BinaryIO, name: str, layout: Layout) -> Iterator[TextRows]:
    """The rows of a file in blocks; messages call it `name`.

    Raises `ExportDataError` for a damaged file (page checksums are verified where they are written), a missing
    column, and a column with values of a type that does not fit.
    """
    try:
        file = pq.ParquetFile(raw, page_checksum_verification=True)
        written = layout.find(name, file.schema_arrow.names)
        first = 1
        for batch in file.iter_batches(batch_size=_ROWS, columns=list(written.values())):
            yield _text_rows(name, batch, written, first)
            first += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        words = str(error).partition("\n")[0]
        raise mistake(name, None, None, f"the Parquet file is damaged or cut off ({words}); export it again") from None


def _text_rows(name: str, batch: Any, written: dict[str, str], first: int) -> TextRows:
    columns: dict[str, pl.Series] = {}
    for column, own in written.items():
        values = batch.column(own)
        text = as_text(values, column)
        if text is None:
            what = f"its type is {values.type}, which does not fit; write it as FOCUS says"
            raise mistake(name, None, own, what)
        columns[column] = text
    return TextRows(name, pl.DataFrame(columns), written, lambda row: f"row {first + row}")
