"""The tables of a page as a test reads them: the text of each cell, and the exact figures where it holds some."""

from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser


@dataclass
class Cell:
    """A cell's text, the exact figure behind it, and the addresses of its links."""

    text: str = ""
    figure: Decimal | None = None
    links: list[str] = field(default_factory=list)


class _Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[list[Cell]]] = []
        self._cell: Cell | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "table":
            self.found.append([])
        elif tag == "tr":
            self.found[-1].append([])
        elif tag in {"td", "th"}:
            self._cell = Cell()
            self.found[-1][-1].append(self._cell)
        elif self._cell is not None and tag == "data":
            self._cell.figure = Decimal(values["value"] or "")
        elif self._cell is not None and tag == "a":
            self._cell.links.append(values["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.text += data


def tables(html: str) -> list[list[list[Cell]]]:
    """The tables of a page, each a list of rows of cells."""
    parser = _Tables()
    parser.feed(html)
    for cell in (cell for table in parser.found for row in table for cell in row):
        cell.text = " ".join(cell.text.split())
    return parser.found


def table_with(html: str, first: str) -> list[list[Cell]]:
    """The one table whose first header is this text, sorted or not."""
    (found,) = [table for table in tables(html) if table[0][0].text.rstrip(" ↓↑") == first]
    return found
