"""What the costs of the company's own infrastructure are: files of FOCUS or of date, amount and label, read strictly.

Where the files are is `lake.remote_files`' business, which of them count on a day is `warehouse.infrastructure`'s.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

import polars as pl

from circleci_cost.model.infrastructure.csv_files import read_csv
from circleci_cost.model.infrastructure.definition import USD, Infrastructure
from circleci_cost.model.infrastructure.facts import FileFacts, LeftOut
from circleci_cost.model.infrastructure.layout import (
    COST,
    PERIOD,
    SERVICE_CATEGORY,
    Layout,
    focus_layout,
    mistake,
    simple_layout,
)
from circleci_cost.model.infrastructure.parquet_files import MAGIC, read_parquet
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

# Raised when files are to be read again because they would be read differently.
_READER = 2


@dataclass(frozen=True)
class FileCosts:
    """What one file holds: `costs` by day and key (`COSTS_SCHEMA`), from `grouped` (`GROUPED_SCHEMA`).

    `first` and `last` are the first and last days in which a charge begins, None where there is none; a charge of
    a month reaches further.
    """

    grouped: pl.DataFrame
    costs: pl.DataFrame
    facts: FileFacts

    @property
    def rows(self) -> int:
        """How many rows the costs come from."""
        return int(self.grouped.get_column("rows").sum())

    @property
    def spread(self) -> int:
        """How many of them are for more than a day."""
        return int(self.grouped.filter(pl.col(DAY) != pl.col(UNTIL)).get_column("rows").sum())

    @property
    def left_out(self) -> int:
        """How many rows are no cost of a day."""
        return sum(each.rows for each in self.facts.left_out)

    @property
    def first(self) -> date | None:
        """The first day in which a charge begins."""
        return self.grouped.get_column(DAY).min()  # type: ignore[return-value] # a day

    @property
    def last(self) -> date | None:
        """The last day in which a charge begins."""
        return self.grouped.get_column(DAY).max()  # type: ignore[return-value]

    def without(self, periods: Collection[date]) -> "FileCosts":
        """The same file without the charges of these billing periods, which another delivery holds."""
        if not periods:
            return self
        kept = self.grouped.filter(~pl.col(PERIOD).is_in(list(periods)))
        return FileCosts(kept, spread(kept), self.facts.without(periods))


def read_costs(path: Path, source: Infrastructure, name: str | None = None) -> FileCosts:
    """Read one file as its section says; `name` is what messages call it, by default its path.

    Costs are in the currency that is billed; taxes and purchases that pay for other rows are left out. Raises
    `ExportDataError` for an amount, a time or a currency that cannot be read exactly, and for a file that is not
    whole, with file, line or row, column and value; nothing of the file is used then.
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
    """Read the header and the first rows of a file, and count what may need a word. Raises as `read_costs` does."""
    block = next(_blocks(stream, name, source), None)
    if block is None:
        return FileFacts()
    return FileFacts(effective=block.effective, billed=block.billed, unread_tags=block.unread_tags)


def layout_of(source: Infrastructure) -> Layout:
    """Which columns the files of a section have."""
    if source.format == "simple":
        return simple_layout(source.provider or source.name, source.currency or USD)
    return focus_layout(source.provider, source.tag, source.cost)


def reading_hash(source: Infrastructure) -> str:
    """A hash of what decides how a file's bytes become costs: where it is the same, a file need not be read again."""
    provider = layout_of(source).provider
    said = (
        *(_READER, source.format, provider, source.currency, source.tag, source.rates is not None),
        *(source.cost, source.purchases),
    )
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def _blocks(stream: BinaryIO, file: str, source: Infrastructure) -> Iterator[Grouped]:
    layout = layout_of(source)
    is_parquet = stream.read(len(MAGIC)) == MAGIC
    stream.seek(0)
    if is_parquet and source.format == "simple":
        raise mistake(
            file, None, None, 'this is Parquet, and format = "simple" is CSV; write format = "focus" for FOCUS'
        )
    try:
        for text in read_parquet(stream, file, layout) if is_parquet else read_csv(stream, file, layout):
            yield group(text, layout, currencies_known=source.rates is not None, purchases=source.purchases)
    except pl.exceptions.ComputeError as error:
        raise mistake(file, None, None, f"amounts add up to more than can be held ({error}); correct them") from None


def _added(
    frames: Sequence[pl.DataFrame], schema: dict[str, pl.DataType], keys: Sequence[str], *more: pl.Expr
) -> pl.DataFrame:
    together = pl.concat([pl.DataFrame(schema=schema), *(frame.cast(pl.Schema(schema)) for frame in frames)])
    return together.group_by(keys).agg(*more, pl.col(COST).sum(), pl.col("rows").sum()).select(schema.keys())


__all__ = ["COSTS_SCHEMA", "FileCosts", "layout_of", "read_beginning", "read_costs", "reading_hash"]
