r"""CSV for people: RFC 4180, and no cell that a spreadsheet would run. One definition, for Python and for DuckDB.

An apostrophe is put before whatever would begin a formula: at the start of a cell, and after a line end, a tab or a
semicolon, where a spreadsheet with other separators begins a cell. A text that has such an apostrophe already gets one
more, so that taking one away gives every name back. Numbers are left as they are.
"""

import re
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from circleci_cost.text.literals import sql_text

if TYPE_CHECKING:
    import polars as pl

# Characters that start a formula in Excel, LibreOffice or Google Sheets, with the forms that they read as the same.
_STARTS = "=+@\uff1d\ufe66\u207c\u208c\uff0b\ufe62\u207a\u208a\ufb29\uff0d\ufe63\uff20\ufe6b-"
# Where a cell may begin within a text, for a program that splits lines or columns in its own way.
_ENDS = r"\t\n\x0b\x0c\r\x1c-\x1e\x85;" + "\u2028\u2029"
# White space and characters without width, which programs skip before they look for a formula.
_UNSEEN = (
    r"\x00-\x08\x0e-\x1b\x1f-\x20\x7f-\x84\x86-\xa0\xad"
    "\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u1680\u180e\u2000-\u200f\u202a-\u202f\u205f-\u206f\u3000\ufeff"
    "\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e007f"
)
# Expressions that Python's `re` and DuckDB's RE2 read alike, with their replacements.
_RULES = (
    (rf"(^|[{_ENDS}])('*[{_UNSEEN}]*[{_STARTS}])", r"\1'\2"),
    (r"^('*[\t\r\n])", r"'\1"),
)
_COMPILED = [(re.compile(pattern), replacement) for pattern, replacement in _RULES]
# The way back, for Polars: of the apostrophes in such a place one is taken away.
_BACK = (
    (r"^'('*[\t\r\n])", "${1}"),
    (rf"(^|[{_ENDS}])'('*[{_UNSEEN}]*[{_STARTS}])", "${1}${2}"),
)
_MUST_QUOTE = re.compile(r'[",\r\n]|^\s|\s$')


def safe_cell(text: str) -> str:
    """The text in a form that no spreadsheet runs."""
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return text


def safe_cell_sql(column: str) -> str:
    """The SQL expression that does the same as `safe_cell` to a column of text."""
    expression = column
    for pattern, replacement in _RULES:
        expression = f"regexp_replace({expression}, {sql_text(pattern)}, {sql_text(replacement)}, 'g')"
    return expression


def original_cells(column: "pl.Expr") -> "pl.Expr":
    """A column of texts as they were before `safe_cell`."""
    for pattern, replacement in _BACK:
        column = column.str.replace_all(pattern, replacement)
    return column


def csv_line(cells: Sequence[str | None], text_cells: Container[int] = ()) -> str:
    """One line of CSV; the cells at `text_cells` hold names from outside. None is an empty cell."""
    safe_cells = [safe_cell(cell) if cell and index in text_cells else cell or "" for index, cell in enumerate(cells)]
    return ",".join(map(_quoted, safe_cells)) + "\n"


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if _MUST_QUOTE.search(cell) else cell
