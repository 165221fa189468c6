"""What people note about days, read from a CSV file of date and text, and the marks that charts have for such days.

Marks that come from published tables, such as new prices, are `warehouse.reporting.marks`' job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from circleci_cost.named_files.csv_tables import LINE, day_of, parsed, read_bytes, read_csv, refuse_empty
from circleci_cost.text.plain import QUOTABLE_LENGTH, cut, squeezed

WITHOUT_ANNOTATIONS = "Pages go on without annotations."
_COLUMNS = ("date", "text")


class MarkKind(StrEnum):
    """What a mark is about: a line of the file, or a price, a decision, a restatement of the published tables."""

    ANNOTATION = "annotation"
    PRICE = "price"
    DECISION = "decision"
    RESTATEMENT = "restatement"


@dataclass(frozen=True)
class Mark:
    """A day with a text of one line, such as `acme: $0.0006 per credit`."""

    date: date
    text: str
    kind: MarkKind


def read_annotations(path: Path) -> list[Mark]:
    """The annotations of a file, by day and line. Raises `ConfigurationError` with file and line.

    A day may have several. A text of several lines becomes one line, and a long one is cut.
    """
    rows = read_csv(path, read_bytes(path), _COLUMNS, _COLUMNS)
    for name in _COLUMNS:
        refuse_empty(path, rows, name)
    rows = parsed(path, rows, "date", day_of("date"), "write a day as YYYY-MM-DD, such as 2026-01-31")
    return [
        Mark(day, cut(squeezed(text), QUOTABLE_LENGTH), MarkKind.ANNOTATION)
        for day, text in rows.sort("date", LINE).select(_COLUMNS).iter_rows()
    ]


def in_order(marks: Sequence[Mark]) -> list[Mark]:
    """The marks by day, those of one day by kind as `MarkKind` lists them, then in their order."""
    kinds = list(MarkKind)
    return sorted(marks, key=lambda mark: (mark.date, kinds.index(mark.kind)))
