"""Reads the telemetry of a split exactly: a CSV or Parquet file of date, key (a value of the tag) and amount.

How a split treats a day without amounts is `warehouse.allocation`'s job.
"""

import io
from pathlib import Path

import polars as pl

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.allocation.plan import AMOUNT, AMOUNTS_SCHEMA
from circleci_cost.named_files.csv_tables import LINE, day_of, parsed, read_csv, refuse_empty, same_names
from circleci_cost.text.lists import some_of
from circleci_cost.text.plain import QUOTABLE_LENGTH, cut, quoted

_COLUMNS = ("date", "key", "amount")
_NUMBER = r"^\d{1,15}(\.\d{1,9})?$"
_LIMIT = 10**15
_HOW = "write a number that is not negative, with at most 15 digits before and 9 behind the point"


def read_amounts(path: Path, content: bytes) -> pl.DataFrame:
    """The amounts of `AMOUNTS_SCHEMA`, one per date and key: several rows are added up.

    Raises `ConfigurationError`.
    """
    if path.suffix.lower() in {".parquet", ".pq"}:
        rows = _of_parquet(path, content)
        where = "row"
    else:
        rows = read_csv(path, content, _COLUMNS, _COLUMNS)
        where = "line"
    for name in _COLUMNS:
        refuse_empty(path, rows, name)
    if rows.schema["date"] == pl.String():
        rows = parsed(path, rows, "date", day_of("date"), "write a day as YYYY-MM-DD, such as 2026-01-31")
    written = pl.when(pl.col("amount").str.contains(_NUMBER)).then(pl.col("amount"))
    rows = parsed(path, rows, "amount", written, _HOW)
    if rows.is_empty():
        raise ConfigurationError(f"{path} has no {where}s; write date, key and amount, or choose another method.")
    amounts = rows.with_columns(pl.col("amount").str.to_decimal(scale=AMOUNT.scale).cast(AMOUNT))
    sums = amounts.group_by("date", "key").agg(
        pl.col("amount").cast(pl.Decimal(38, AMOUNT.scale)).sum(), pl.col(LINE).min()
    )
    too_large = sums.filter(pl.col("amount") >= _LIMIT).sort(LINE)
    if too_large.height:
        line, key, day = too_large.select(LINE, "key", "date").row(0)
        raise ConfigurationError(
            f"{path}, {where} {line}: the amounts of {quoted(key)} on {day} add up to more than 15 digits; write them "
            "in a larger unit."
        )
    return sums.with_columns(pl.col("amount").cast(AMOUNT)).select(*AMOUNTS_SCHEMA).sort("date", "key")


def _of_parquet(path: Path, content: bytes) -> pl.DataFrame:
    """The rows, with the amount as text without trailing zeros, so that the checks of CSV files apply."""
    try:
        rows = pl.read_parquet(io.BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise ConfigurationError(
            f"{path} is no readable Parquet file ({type(error).__name__}); write it again."
        ) from error
    missing = [name for name in _COLUMNS if name not in rows.columns]
    if missing:
        there = [cut(name, QUOTABLE_LENGTH) for name in rows.columns]
        raise ConfigurationError(f"{path} has no column {missing[0]!r}; there are: {some_of(there, 20)}.")
    kind = rows.schema["amount"]
    types = {name: cut(str(rows.schema[name]), QUOTABLE_LENGTH) for name in _COLUMNS}
    if not (kind.is_decimal() or kind.is_integer()):
        raise ConfigurationError(
            f"{path}: amount is of the type {types['amount']}, which is not exact; write DECIMAL or integers."
        )
    if rows.schema["date"] not in {pl.Date(), pl.String()}:
        raise ConfigurationError(f"{path}: date is of the type {types['date']}; write DATE.")
    if rows.schema["key"].is_nested() or rows.schema["key"] == pl.Binary():
        raise ConfigurationError(f"{path}: key is of the type {types['key']}; write text.")
    text = pl.col("amount").cast(pl.String)
    plain = pl.when(text.str.contains(".", literal=True)).then(text.str.strip_chars_end("0").str.strip_chars_end("."))
    key = same_names(pl.col("key").cast(pl.String))
    return rows.select("date", key, plain.otherwise(text).alias("amount")).with_row_index(LINE, offset=1)
