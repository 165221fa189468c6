"""What the costs of the company's own infrastructure are: files of FOCUS or of date, amount and label, read strictly.

Where the files are is `lake.remote_files`' business, which of them count on a day is `warehouse.infrastructure`'s.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from circleci_cost.model.infrastructure_csv import read_csv
from circleci_cost.model.infrastructure_layout import (
    COST,
    SERVICE_CATEGORY,
    Layout,
    TextRows,
    focus_layout,
    mistake,
    simple_layout,
)
from circleci_cost.model.infrastructure_parquet import MAGIC, read_parquet
from circleci_cost.model.infrastructure_periods import COSTS_SCHEMA, spread
from circleci_cost.model.infrastructure_rows import DAY, GROUPED_SCHEMA, KEYS, UNTIL, group
from circleci_cost.sections.infrastructure import USD, Infrastructure

# Raised when files are to be read again because they would be read differently.
_READER = 1


@dataclass(frozen=True)
class FileCosts:
    """What one file holds: `costs` by day and key (`COSTS_SCHEMA`), and how many rows they come from.

    `first` and `last` are the first and last days in which a charge begins, None where there is none; a charge of
    a month reaches further.
    """

    costs: pl.DataFrame
    rows: int
    left_out: int
    spread: int
    first: date | None
    last: date | None


def read_costs(path: Path, source: Infrastructure, name: str | None = None) -> FileCosts:
    """Read one file as its section says; `name` is what messages call it, by default its path.

    Costs are in the currency that is billed. Purchases and taxes are left out. Raises `ExportDataError` for
    anything that cannot be read exactly, with file, line or row, column and value; nothing of the file is used then.
    """
    file, layout = name or str(path), layout_of(source)
    grouped = [pl.DataFrame(schema=GROUPED_SCHEMA)]
    left_out = 0
    try:
        for text in _text_rows(path, file, layout, source):
            block = group(text, layout, currencies_known=source.rates is not None)
            grouped.append(block.frame)
            left_out += block.left_out
        rows = (
            pl.concat(grouped)
            .group_by(DAY, UNTIL, *KEYS)
            .agg(pl.col(SERVICE_CATEGORY).max(), pl.col(COST).sum(), pl.col("rows").sum())
        )
        costs = spread(rows)
    except pl.exceptions.ComputeError as error:
        raise mistake(file, None, None, f"amounts add up to more than can be held ({error}); correct them") from None
    return FileCosts(
        costs=costs,
        rows=_sum(rows),
        left_out=left_out,
        spread=_sum(rows.filter(pl.col(DAY) != pl.col(UNTIL))),
        first=rows.get_column(DAY).min(),  # type: ignore[arg-type] # days
        last=rows.get_column(DAY).max(),  # type: ignore[arg-type]
    )


def layout_of(source: Infrastructure) -> Layout:
    """Which columns the files of a section have."""
    if source.format == "simple":
        return simple_layout(source.provider or source.name, source.currency or USD)
    return focus_layout(source.provider, source.tag)


def reading_hash(source: Infrastructure) -> str:
    """A hash of what decides how a file's bytes become costs: where it is the same, a file need not be read again."""
    provider = layout_of(source).provider
    said = (_READER, source.format, provider, source.currency, source.tag, source.rates is not None)
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _text_rows(path: Path, file: str, layout: Layout, source: Infrastructure) -> Iterator[TextRows]:
    with path.open("rb") as stream:
        is_parquet = stream.read(len(MAGIC)) == MAGIC
    if is_parquet and source.format == "simple":
        raise mistake(
            file, None, None, 'this is Parquet, and format = "simple" is CSV; write format = "focus" for FOCUS'
        )
    return read_parquet(path, file, layout) if is_parquet else read_csv(path, file, layout)


def _sum(rows: pl.DataFrame) -> int:
    return int(rows.get_column("rows").sum())


__all__ = ["COSTS_SCHEMA", "FileCosts", "layout_of", "read_costs", "reading_hash"]
