"""Turns blocks of records into typed job runs: checks every row and adds `other_credits`.

What a single value means is decided by `values`; splitting records is `split`'s job. Rules that need more than
one row (windows, organizations, duplicates) belong to `job_runs`.
"""

from collections.abc import Mapping
from datetime import date

import polars as pl

from circleci_cost.model.usage.charge_types import EXPORTED_CHARGE_TYPES
from circleci_cost.model.usage.records import RecordBlock
from circleci_cost.model.usage.schema import (
    CREDIT_COLUMNS,
    CREDIT_LIMIT,
    CREDIT_SCALE,
    CREDITS,
    EXPORT_COLUMNS,
    Kind,
)
from circleci_cost.model.usage.split import TextBlock, split_text, split_typed
from circleci_cost.model.usage.values import refuse_rows, type_values

_TOTAL = next(column for column in EXPORT_COLUMNS if column.name == "total_credits")
_FIRST_DAY = date(1, 1, 1)
_WIDE = pl.Decimal(38, CREDIT_SCALE)


def normalize(block: RecordBlock) -> pl.DataFrame:
    """Split and type one block of records and add `other_credits`.

    Out: one row per record with the columns of `EXPORT_COLUMNS` under their public names (an optional column
    that the file lacks is null) and `other_credits`: TOTAL_CREDITS less the exported charge types, since some
    credits have no column of their own. Credits are exact, of type `CREDITS`. Raises `ExportDataError` with
    file, line and, for a value, column: for records that cannot be split, a value that is not of its column's
    type or cannot be held exactly, and a null in a column that needs a value.
    """
    return normalize_compactly(block).with_columns(pl.col(*CREDIT_COLUMNS).cast(CREDITS))


def normalize_compactly(block: RecordBlock) -> pl.DataFrame:
    """What `normalize` does, but credits are Int64 where all of the block are whole: half of the memory."""
    typed = split_typed(block)
    if typed is not None:
        rows = _public(typed, {Kind.CREDITS: pl.Int64()})
        if rows.is_empty() or all(rows.select(_common_bounds()).row(0)):
            return rows
    return normalize_text(split_text(block))


def _public(columns: pl.DataFrame, types: Mapping[Kind, pl.DataType]) -> pl.DataFrame:
    """Give the columns their public names; add those that the file lacks, and `other_credits`."""
    rows = columns.select(
        pl.col(column.source).alias(column.name)
        if column.source in columns.columns
        else pl.lit(None, dtype=types.get(column.kind, column.dtype)).alias(column.name)
        for column in EXPORT_COLUMNS
    )
    known = pl.sum_horizontal(pl.col(f"{charge}_credits").fill_null(0) for charge in EXPORTED_CHARGE_TYPES)
    return rows.with_columns(other_credits=pl.col("total_credits") - known)


def _common_bounds() -> list[pl.Expr]:
    """The bounds that `values` enforces and `split_typed` does not, one boolean per bound."""
    bounds = [pl.col(name).abs().max().fill_null(0).lt(CREDIT_LIMIT).alias(name) for name in CREDIT_COLUMNS]
    for column in EXPORT_COLUMNS:
        values = pl.col(column.name)
        if column.never_null:
            bounds.append((values.null_count() == 0).alias(f"{column.name} is there"))
        if column.kind is Kind.PERCENT:
            bounds.append(values.is_finite().all())
        if column.kind in (Kind.DATE, Kind.TIMESTAMP):
            bounds.append((values.min() >= _FIRST_DAY).fill_null(value=True).alias(f"{column.name} in time"))
    return bounds


def normalize_text(text: TextBlock) -> pl.DataFrame:
    """Normalize a block of any form value by value: slower than typing in bulk, and authoritative where they differ."""
    columns = []
    for column in EXPORT_COLUMNS:
        if column.source in text.frame.columns:
            nulls = text.frame.get_column(column.source).is_null()
            if column.never_null and nulls.any():
                raise refuse_rows(text, column, nulls, "there is no value, and every job has one")
            columns.append(type_values(text, column).cast(_WIDE if column.kind is Kind.CREDITS else column.dtype))
    rows = _public(pl.DataFrame(columns), {Kind.CREDITS: _WIDE})
    too_much = rows.get_column("other_credits").abs() >= CREDIT_LIMIT
    if too_much.any():
        raise refuse_rows(text, _TOTAL, too_much, "the other credits leave a rest that is too large to be held")
    return rows.with_columns(pl.col(*CREDIT_COLUMNS).cast(CREDITS))
