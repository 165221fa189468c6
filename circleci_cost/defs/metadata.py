"""Figures and tables as Dagster metadata; the UI plots numbers over time.

Exact values stay in the tables: a metadata number is only for reading and plotting.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

import dagster as dg
import polars as pl

from circleci_cost.day_ranges import as_ranges, say_ranges
from circleci_cost.text import amounts
from circleci_cost.text.plain import one_line

# What Dagster takes as the value of a metadata entry.
Value: TypeAlias = dg.MetadataValue | str | int | float
# The return annotation of an asset has to be the class itself: with a parameter, Dagster refuses assets with checks.
if TYPE_CHECKING:
    Materialized: TypeAlias = dg.MaterializeResult[None]
else:
    Materialized = dg.MaterializeResult


def number(value: Decimal | int) -> float | int:
    """A number that the UI can plot."""
    return float(value) if isinstance(value, Decimal) else value


def usd(value: Decimal) -> str:
    """A dollar amount to the cent, for reading."""
    return amounts.dollars(value)


def percent(share: float | Decimal | None) -> str:
    """A share for reading; a dash where there is none."""
    return "–" if share is None else amounts.percent(share, 1)


def days(dates: Iterable[date]) -> str:
    """Days as ranges, or a dash."""
    return say_ranges(as_ranges(dates)) or "–"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> dg.MarkdownMetadataValue:
    """A Markdown table; names from outside cannot break out of their cells."""
    lines = [f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
    lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: object) -> str:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return amounts.exact_number(Decimal(value))
    text = one_line(str(value).replace("\n", " ").replace("\r", " "))
    for character in "\\|`*_<>[]":
        text = text.replace(character, f"\\{character}" if character != "<" else "&lt;")
    return text


def column_schema(
    schema: Mapping[str, pl.DataType] | Mapping[str, str], descriptions: Mapping[str, str]
) -> dg.TableSchema:
    """The columns of a table with their types and units."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, type=str(dtype), description=descriptions.get(name)) for name, dtype in schema.items()
        ]
    )
