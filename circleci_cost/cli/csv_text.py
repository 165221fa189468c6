"""CSV for people: names that a spreadsheet would take for a formula are led by an apostrophe.

Numbers are left as they are; a name's own apostrophe is kept.
"""

import csv
import io
from collections.abc import Container, Sequence

# OWASP's list of what starts a formula in Excel, LibreOffice or Google Sheets.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(text: str) -> str:
    """A text that no spreadsheet runs."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def csv_line(cells: Sequence[str | None], text_cells: Container[int] = ()) -> str:
    """One line; the cells at `text_cells` hold names from outside. None is an empty cell."""
    file = io.StringIO()
    made = [safe_cell(cell) if cell and index in text_cells else cell for index, cell in enumerate(cells)]
    csv.writer(file, lineterminator="\n").writerow(made)
    return file.getvalue()
