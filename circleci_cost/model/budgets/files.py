"""Budgets from CSV files, read strictly: every mistake is one sentence with file, line and column.

The keys of a budget are defined in `definition`; a file has columns in their place.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from circleci_cost.errors import ConfigurationError
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.usage.conditions import CONDITION_DIMENSIONS
from circleci_cost.named_files.bounded_files import read_at_most
from circleci_cost.text.lists import some_of
from circleci_cost.text.plain import quoted
from circleci_cost.text.suggestions import suggestion_or_all

_AMOUNT_COLUMNS = ("amount", "from", "until")
_BUDGET_COLUMNS = ("name", "period", "unit", "owner", "parent", "seats")
_OWN_COLUMNS = (*_BUDGET_COLUMNS, *_AMOUNT_COLUMNS)
_BOOLEANS = {"true": True, "false": False}
_DECIMAL = re.compile(r"\d+(\.\d+)?")
# A budget has an amount for each year or so.
_MOST_LINES = 20
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Place:
    """Where a budget is written: the file, and the lines of its amounts."""

    file: Path
    lines: tuple[int, ...]

    def __str__(self) -> str:
        """The place in words, to begin a sentence with."""
        lines = " and ".join(map(str, self.lines))
        if len(self.lines) > _MOST_LINES:
            lines = some_of([str(line) for line in self.lines], _MOST_LINES)
        return f"{self.file}, line{'s' if len(self.lines) > 1 else ''} {lines}"


@dataclass(frozen=True)
class _Row:
    line: int
    cells: Mapping[str, str]


def read_budgets(file: Path, tags: Collection[str]) -> list[tuple[Budget, Place]]:
    """Read a file; `tags` are the names of the virtual tags that may be columns. Raises `ConfigurationError`.

    Columns: `name`, `amount`, and any of `period`, `unit`, `owner`, `parent`, `seats`, `from`, `until`, dimensions
    and tags. Rows of one name are its amounts by date and must agree in everything else; an empty cell is not given.
    """
    by_name: dict[str, list[_Row]] = {}
    for row in _rows(file, tags):
        if not row.cells["name"]:
            raise _mistake(file, row.line, "name", "the budget has no name; write one")
        by_name.setdefault(row.cells["name"], []).append(row)
    return [(_budget(file, rows), Place(file, tuple(row.line for row in rows))) for rows in by_name.values()]


def _rows(file: Path, tags: Collection[str]) -> Iterator[_Row]:
    try:
        # Excel begins UTF-8 files with a byte order mark, which is not part of the first column's name.
        with io.StringIO(read_at_most(file).decode("utf-8-sig"), newline="") as stream:
            reader = csv.reader(stream, strict=True)
            header = _header(file, next(reader, []), tags)
            line = reader.line_num + 1
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    if len(cells) != len(header):
                        raise ConfigurationError(
                            f"{file}, line {line}: there are {len(cells)} cells, the header has {len(header)}; write "
                            "one for each column, and put cells that hold a comma in quotes."
                        )
                    yield _Row(line, dict(zip(header, (cell.strip() for cell in cells), strict=True)))
                line = reader.line_num + 1
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8 text (byte {error.start}); save it as CSV UTF-8.") from None
    except csv.Error as error:
        raise ConfigurationError(f"{file}, line {reader.line_num}: this is no CSV ({error}); correct it.") from None
    except OSError as error:
        raise ConfigurationError(
            f"{file} cannot be read ({error.strerror}); correct the file of [[budget_files]], or let this user read it."
        ) from None


def _header(file: Path, cells: Sequence[str], tags: Collection[str]) -> list[str]:
    header = [cell.strip() for cell in cells]
    if not any(header):
        raise ConfigurationError(f"{file}, line 1: there is no header; begin with the columns name,amount.")
    known = [*_OWN_COLUMNS, *CONDITION_DIMENSIONS, *tags]
    for name in header:
        if name not in known:
            hint = suggestion_or_all(name, known)
            hint = "separate columns with commas." if ";" in name else hint
            raise ConfigurationError(f"{file}, line 1: there is no column {quoted(name)}; {hint}")
        if header.count(name) > 1:
            raise ConfigurationError(f"{file}, line 1: the column {name!r} is there twice; leave one out.")
    for name in ("name", "amount"):
        if name not in header:
            raise ConfigurationError(f"{file}, line 1: the column {name!r} is missing; add it.")
    return header


def _budget(file: Path, rows: Sequence[_Row]) -> Budget:
    first = rows[0]
    for row in rows[1:]:
        for column, cell in row.cells.items():
            if column not in _AMOUNT_COLUMNS and cell != first.cells[column]:
                raise _mistake(
                    file,
                    row.line,
                    column,
                    f"{quoted(cell)} differs from {quoted(first.cells[column])} in line {first.line}, and both are the "
                    f"budget {quoted(first.cells['name'])}; rows of one budget differ in amount, from and until only",
                )
    section: dict[str, Any] = {name: first.cells[name] for name in _BUDGET_COLUMNS if first.cells.get(name)}
    if "seats" in section:
        section["seats"] = _boolean(file, first.line, section["seats"])
    where = {name: cell for name, cell in first.cells.items() if name not in _OWN_COLUMNS and cell}
    if where:
        section["where"] = where
    section["amounts"] = [_amount(file, row) for row in rows]
    try:
        return Budget.model_validate(section)
    except ValidationError as error:
        raise _from_section(file, rows, error) from None


def _amount(file: Path, row: _Row) -> dict[str, object]:
    amount: dict[str, object] = {"amount": _decimal(file, row)}
    for column in ("from", "until"):
        text = row.cells.get(column)
        if text:
            amount[column] = _day(file, row.line, column, text)
    return amount


def _decimal(file: Path, row: _Row) -> Decimal:
    text = row.cells["amount"]
    if not _DECIMAL.fullmatch(text):
        raise _mistake(
            file, row.line, "amount", f"{quoted(text)} is no amount; write digits and a point, such as 1500.00"
        )
    return Decimal(text)


def _day(file: Path, line: int, column: str, text: str) -> date:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise _mistake(file, line, column, f"{quoted(text)} is no day; write YYYY-MM-DD, such as 2026-01-31") from None


def _boolean(file: Path, line: int, text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise _mistake(file, line, "seats", f"{quoted(text)} is neither true nor false; write one of them")
    return _BOOLEANS[text.lower()]


def _from_section(file: Path, rows: Sequence[_Row], error: ValidationError) -> ConfigurationError:
    """The first mistake of the section, with its line and column."""
    first_mistake = error.errors()[0]
    location = [step for step in first_mistake["loc"] if step != "function-after"]
    row = rows[location[1]] if len(location) > 1 and isinstance(location[1], int) else rows[0]
    columns = [str(step) for step in location if step in row.cells]
    message = str(first_mistake["msg"]).removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if columns:
        return _mistake(file, row.line, columns[-1], f"{quoted(row.cells[columns[-1]])}: {message}")
    if len(location) > 1:
        return ConfigurationError(f"{file}, line {row.line}: {message}.")
    return ConfigurationError(f"{Place(file, tuple(row.line for row in rows))}: {message}.")


def _mistake(file: Path, line: int, column: str, message: str) -> ConfigurationError:
    return ConfigurationError(f"{file}, line {line}, column {column}: {message}.")
