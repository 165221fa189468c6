"""A report as CSV: a header and the rows, exact, with names that no spreadsheet runs.

What a cell may hold is `text.csv_text`'s subject; where the lines go is the caller's.
"""

from collections.abc import Iterator

from circleci_cost.model.reporting.report import AMOUNT_COLUMNS, Report, as_table
from circleci_cost.text.csv_text import csv_line


def csv_lines(report: Report) -> Iterator[str]:
    """The lines, each with its line feed, to be written as UTF-8."""
    header, rows = as_table(report)
    yield csv_line(header)
    names = range(len(header) - len(AMOUNT_COLUMNS))
    yield from (csv_line(row, text_cells=names) for row in rows)
