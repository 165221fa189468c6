"""Tables that fit the terminal: figures are never cut, names break where words do, columns of lesser weight go first.

The commands choose the columns; this module only decides their widths.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len, chop_cells
from rich.console import Console, ConsoleOptions, RenderResult  # noqa: TID251 - the type that rich hands over
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

# The gap between two columns, and the smaller one where space is short.
_GAP, _CLOSE = 3, 2
# The pieces of a word that is wider than its column: it may break behind these characters, too.
_PIECES = re.compile(r"[^\s/_.:,-]*[/_.:,-]+|[^\s/_.:,-]+")
# A column of names too narrow for its longest word keeps at least this width.
_NARROWEST = 8


@dataclass(frozen=True)
class Column:
    """A column: only a `name` may take several lines; the column with the highest `lesser` is left out first."""

    header: str
    right: bool = False
    name: bool = False
    lesser: int = 0


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> Table:
    """A table of the columns that fit into the width; names get the width that figures leave."""
    places = list(range(len(columns)))
    needs = [_need(column, [row[place] for row in rows]) for place, column in enumerate(columns)]
    while _total([needs[place].minimum for place in places], _CLOSE) > width:
        lesser = max(places, key=lambda place: columns[place].lesser)
        if columns[lesser].lesser == 0:
            break
        places.remove(lesser)
    gap = _GAP if _total([needs[place].minimum for place in places], _GAP) <= width else _CLOSE
    widths = _widths([columns[place] for place in places], [needs[place] for place in places], width, gap)
    padding = (0, 1, 0, gap - _CLOSE)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold", padding=padding)
    for place, cells in zip(places, widths, strict=True):
        column = columns[place]
        table.add_column(
            column.header,
            justify="right" if column.right else "left",
            width=cells,
            no_wrap=not column.name and cells >= cell_len(column.header),
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Name(row[place]) if columns[place].name else row[place] for place in places))
    return table


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _need(column: Column, cells: Sequence[Text]) -> Measurement:
    head = Measurement(max(map(cell_len, column.header.split()), default=0), cell_len(column.header))
    if not column.name:
        widest = max((cell.cell_len for cell in cells), default=0)
        return Measurement(max(head.minimum, widest), max(head.maximum, widest))
    words = max((cell_len(word) for cell in cells for word in cell.plain.split()), default=0)
    widest = max((cell_len(line) for cell in cells for line in cell.plain.split("\n")), default=0)
    return Measurement(max(head.minimum, words), max(head.maximum, widest))


def _widths(columns: Sequence[Column], needs: Sequence[Measurement], width: int, gap: int) -> list[int]:
    """Narrow the widest column of names until all fit; as a last resort break within words."""
    widths = [need.maximum for need in needs]
    floors = [need.minimum for need in needs]
    lowest = [min(floor, _NARROWEST) if column.name else floor for column, floor in zip(columns, floors, strict=True)]
    for bounds in (floors, lowest):
        while _total(widths, gap) > width:
            wider = [place for place in range(len(widths)) if widths[place] > bounds[place]]
            if not wider:
                break
            widths[max(wider, key=lambda place: (widths[place] - bounds[place], widths[place]))] -= 1
    return widths


@dataclass(frozen=True)
class Name:
    """Text that breaks at spaces, else behind `/`, `-`, `_` and the like, and within a word only as a last resort."""

    text: Text

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """The width of the longest word, and that of the longest line."""
        return Measurement.get(console, options, self.text)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The lines, each as one text."""
        for line in self.text.split("\n", allow_blank=True):
            yield from broken(line, options.max_width)


def broken(line: Text, width: int) -> list[Text]:
    """The line broken into lines of at most this width."""
    starts = [0]
    line_width = 0
    end = 0
    for begin, stop in _pieces(line.plain, width):
        gap = cell_len(line.plain[end:begin])
        size = cell_len(line.plain[begin:stop])
        if line_width and line_width + gap + size > width:
            starts.append(begin)
            line_width = size
        else:
            line_width += gap + size
        end = stop
    ends = [*starts[1:], len(line.plain)]
    lines = [line[start:stop] for start, stop in zip(starts, ends, strict=True)]
    for shorter in lines:
        shorter.rstrip()
    return lines


def _pieces(plain: str, width: int) -> Iterator[tuple[int, int]]:
    """The spans that stay whole: words, parts of words that are too wide, chunks of parts that are too wide."""
    for word in re.finditer(r"\S+", plain):
        if cell_len(word.group()) <= width:
            yield word.span()
            continue
        for part in _PIECES.finditer(word.group()):
            begin = word.start() + part.start()
            for chunk in chop_cells(part.group(), max(width, 2)):
                yield begin, begin + len(chunk)
                begin += len(chunk)
