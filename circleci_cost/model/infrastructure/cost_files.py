"""Reads the costs of the company's own infrastructure, strictly, from FOCUS files or files of date, amount and label.

Finding the files is the job of `lake.remote_files`, choosing those that count on a day that of
`warehouse.infrastructure`.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

import polars as pl

from circleci_cost.model.infrastructure.columns import (
    COST,
    PERIOD,
    SERVICE_CATEGORY,
    Layout,
    focus_layout,
    mistake,
    simple_layout,
)
from circleci_cost.model.infrastructure.definition import USD, Infrastructure
from circleci_cost.model.infrastructure.facts import FileFacts, LeftOut
from circleci_cost.model.infrastructure.periods import COSTS_SCHEMA, spread
from circleci_cost.model.infrastructure.rows import (
    DAY,
    GROUPED_SCHEMA,
    KEYS,
    LEFT_OUT_KEYS,
    LEFT_OUT_SCHEMA,
    UNTIL,
    Grouped,
    group,
)

# Increase this when files are read differently, so that they are read again.
_READER = 2
_PARQUET = b"PAR1"


@dataclass(frozen=True)
class FileCosts:
    """The contents of one file: `costs` by day and key (`COSTS_SCHEMA`), from `grouped` (`GROUPED_SCHEMA`).

    `first` and `last` are the first and last days on which a charge begins, None without charges; a charge for a
    month extends further.
    """

    grouped: pl.DataFrame
    costs: pl.DataFrame
    facts: FileFacts

    @property
    def rows(self) -> int:
        """The number of rows that make up the costs."""
        return int(self.grouped.get_column("rows").sum())

    @property
    def spread(self) -> int:
        """The number of those rows that are for more than a day."""
        return int(self.grouped.filter(pl.col(DAY) != pl.col(UNTIL)).get_column("rows").sum())

    @property
    def left_out(self) -> int:
        """The number of rows that are no cost of a day."""
        return sum(left_out.rows for left_out in self.facts.left_out)

    @property
    def first(self) -> date | None:
        """The first day on which a charge begins."""
        return self.grouped.get_column(DAY).min()  # type: ignore[return-value] # a day

    @property
    def last(self) -> date | None:
        """The last day on which a charge begins."""
        return self.grouped.get_column(DAY).max()  # type: ignore[return-value]

    def without(self, periods: Collection[date]) -> "FileCosts":
        """The costs without the charges of these billing periods, which another delivery contains."""
        if not periods:
            return self
        kept = self.grouped.filter(~pl.col(PERIOD).is_in(list(periods)))
        return FileCosts(kept, spread(kept), self.facts.without(periods))


def read_costs(path: Path, source: Infrastructure, name: str | None = None) -> FileCosts:
    """Read one file as its section says; messages call it `name`, by default its path.

    Costs are in the billing currency; taxes and purchases that pay for other rows are left out. Raises
    `ExportDataError` with file, line or row, column and value for an amount, a time or a currency that cannot be read
    exactly, and for an incomplete file; nothing of the file is used then.
    """
    file = name or str(path)
    with path.open("rb") as stream:
        blocks = list(_blocks(stream, file, source))
    try:
        keys, category = (PERIOD, DAY, UNTIL, *KEYS), pl.col(SERVICE_CATEGORY).max()
        rows = _added([block.frame for block in blocks], GROUPED_SCHEMA, keys, category)
        left_out = _added([block.left_out for block in blocks], LEFT_OUT_SCHEMA, LEFT_OUT_KEYS)
        costs = spread(rows)
    except pl.exceptions.ComputeError as error:
        raise mistake(file, None, None, f"amounts add up to more than can be held ({error}); correct them") from None
    periods = pl.concat([rows.get_column(PERIOD), left_out.get_column(PERIOD)]).unique().drop_nulls().sort()
    facts = FileFacts(
        periods=tuple(periods),
        left_out=tuple(
            LeftOut.model_validate(row) for row in left_out.sort(LEFT_OUT_KEYS, nulls_last=False).iter_rows(named=True)
        ),
        effective=sum(block.effective for block in blocks),
        billed=sum(block.billed for block in blocks),
        unread_tags=sum(block.unread_tags for block in blocks),
    )
    return FileCosts(rows, costs, facts)


def read_beginning(stream: BinaryIO, source: Infrastructure, name: str) -> FileFacts:
    """Read the header and the first rows of a file, and count what users should know. Raises like `read_costs`."""
    block = next(_blocks(stream, name, source), None)
    if block is None:
        return FileFacts()
    return FileFacts(effective=block.effective, billed=block.billed, unread_tags=block.unread_tags)


def layout_of(source: Infrastructure) -> Layout:
    """The layout of a section's files."""
    if source.format == "simple":
        return simple_layout(source.provider or source.name, source.currency or USD)
    return focus_layout(source.provider, source.tag, source.cost)


def reading_hash(source: Infrastructure) -> str:
    """A hash of what decides how bytes become costs: while it stays the same, a file need not be read again."""
    provider = layout_of(source).provider
    settings = (
        *(_READER, source.format, provider, source.currency, source.tag, source.rates is not None),
        *(source.cost, source.purchases),
    )
    return hashlib.sha256(repr(settings).encode()).hexdigest()[:16]


def _blocks(stream: BinaryIO, file: str, source: Infrastructure) -> Iterator[Grouped]:
    layout = layout_of(source)
    is_parquet = stream.read(len(_PARQUET)) == _PARQUET
    stream.seek(0)
    if is_parquet and source.format == "simple":
        raise mistake(
            file, None, None, 'this is Parquet, and format = "simple" is CSV; write format = "focus" for FOCUS'
        )
    # pyarrow takes a tenth of a second of a processor to import, and most runs find no new file.
    if is_parquet:
        from circleci_cost.model.infrastructure.parquet_files import read_parquet as read
    else:
        from circleci_cost.model.infrastructure.csv_files import read_csv as read
    try:
        for text in read(stream, file, layout):
            yield group(text, layout, currencies_known=source.rates is not None, purchases=source.purchases)
    except pl.exceptions.ComputeError as error:
        raise mistake(file, None, None, f"amounts add up to more than can be held ({error}); correct them") from None


def _added(
    frames: Sequence[pl.DataFrame], schema: dict[str, pl.DataType], keys: Sequence[str], *more: pl.Expr
) -> pl.DataFrame:
    together = pl.concat([pl.DataFrame(schema=schema), *(frame.cast(pl.Schema(schema)) for frame in frames)])
    return together.group_by(keys).agg(*more, pl.col(COST).sum(), pl.col("rows").sum()).select(schema.keys())


__all__ = ["COSTS_SCHEMA", "FileCosts", "layout_of", "read_beginning", "read_costs", "reading_hash"]
