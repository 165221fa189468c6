"""Purchases from CSV files, read strictly: every mistake is one sentence with file and line.

The keys of a purchase are defined in `definition`; a file has columns in their place.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

import polars as pl
from pydantic import ValidationError

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.credits.definition import Kind, Plan, Purchase, repetition, say_repetition
from circleci_cost.named_files.csv_tables import LINE, day_of, parsed, read_bytes, read_csv, refuse_empty
from circleci_cost.text.csv_text import original_cells

COLUMNS = ("date", "credits", "usd", "expires", "kind", "invoice")
_REQUIRED = ("date", "credits")
_HOW_DAY = "write a day as YYYY-MM-DD, such as 2026-01-31"
_HOW_NUMBER = "write a number with at most 12 digits before and 6 behind the point, such as 1500.50"
_HOW_KIND = f"write {', '.join(get_args(Kind))}, or nothing for a purchase"


def read_purchases(path: Path) -> list[tuple[Purchase, str]]:
    """The purchases of a file, each with its place in words. Raises `ConfigurationError` with file and line.

    Columns: `date`, `credits`, and any of `usd`, `expires`, `kind`, `invoice`; an empty cell is not given. Rows may be
    in any order.
    """
    rows = read_csv(path, read_bytes(path), COLUMNS, _REQUIRED)
    for column in _REQUIRED:
        refuse_empty(path, rows, column)
    for column in rows.columns:
        if column in {"date", "expires"}:
            rows = parsed(path, rows, column, day_of(column), _HOW_DAY)
        elif column in {"credits", "usd"}:
            rows = parsed(path, rows, column, _number(column), _HOW_NUMBER)
        elif column == "kind":
            rows = parsed(path, rows, column, _one_of(column, get_args(Kind)), _HOW_KIND)
        elif column == "invoice":
            rows = rows.with_columns(original_cells(pl.col(column)))
    return [_purchase(path, row) for row in rows.iter_rows(named=True)]


def check_together(placed: Sequence[tuple[Purchase, str]], plan: Plan) -> None:
    """Refuse what is written down twice, in whichever places. Raises `ConfigurationError` with the later place."""
    if twice := repetition([purchase for purchase, _ in placed], plan):
        purchase, place = placed[twice.later]
        first = None if twice.earlier is None else placed[twice.earlier][1]
        raise ConfigurationError(f"{place}: {say_repetition(purchase.date, first)}.")


def _number(column: str) -> pl.Expr:
    text = pl.col(column)
    return pl.when(text.str.contains(r"^-?\d{1,12}(\.\d{1,6})?$")).then(text).cast(pl.Decimal(18, 6), strict=False)


def _one_of(column: str, words: Sequence[str]) -> pl.Expr:
    return pl.when(pl.col(column).is_in(words)).then(column)


def _purchase(path: Path, row: dict[str, Any]) -> tuple[Purchase, str]:
    place = f"{path}, line {row[LINE]}"
    try:
        return Purchase(**{name: cell for name, cell in row.items() if name != LINE and cell is not None}), place
    except ValidationError as error:
        mistake = error.errors()[0]
        column = "".join(f", column {step}" for step in mistake["loc"])
        message = str(mistake["msg"]).removeprefix("Value error, ")
        raise ConfigurationError(f"{place}{column}: {message[:1].lower()}{message[1:]}.") from None
