"""Where the records of a CSV text begin and end, so that one can be changed and the others stay as they are.

What is in them is checked by `csv_tables`, which reads the same dialect.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(r"(\r\n|\r|\n)?\Z")


@dataclass(frozen=True)
class CsvRecord:
    """A record of a text, without the line end behind it, its cells without spaces around them, its last line."""

    start: int
    end: int
    line: int
    cells: tuple[str, ...]
    line_end: str


def csv_records(text: str) -> list[CsvRecord]:
    """The records of a text that `csv_tables.read_csv` takes; blank lines are none."""
    return list(_records(text))


def _records(text: str) -> Iterator[CsvRecord]:
    read = 0

    def lines() -> Iterator[str]:
        nonlocal read
        for line in io.StringIO(text, newline=""):
            read += len(line)
            yield line

    reader = csv.reader(lines(), strict=True)
    start = 0
    for cells in reader:
        # A record takes whole lines, and no more of them than it needs.
        match = _LINE_END.search(text, start, read)
        line_end = match[0] if match else ""
        if cells:
            yield CsvRecord(
                start, read - len(line_end), reader.line_num, tuple(cell.strip() for cell in cells), line_end
            )
        start = read
