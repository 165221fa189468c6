r"""Whether the quotes in an imported file with a bare first line are CircleCI's own text or put there by a program.

CircleCI's unquoted dialect keeps a quote as a part of the value; RFC 4180 puts quotes around values that need them.
"""

import re
from collections.abc import Callable, Iterator

from circleci_cost.errors import ExportDataError
from circleci_cost.model.usage.dialects import Dialect
from circleci_cost.model.usage.records import Header, RecordBlock
from circleci_cost.model.usage.schema import EXPORT_COLUMNS, Kind
from circleci_cost.model.usage.split import split_text

_OPENING_QUOTE = re.compile(rb'(?:\A|[,\n])"')
# From the first opening quote of a line on; tried once a line, as values may be long.
_BACKSLASHED_QUOTE = re.compile(rb'^(?>"|[^\n]*?,")[^\n]*?\\"', re.MULTILINE)
_TEXTS = {column.source for column in EXPORT_COLUMNS if column.kind is Kind.TEXT}


def dialect_of(header: Header, blocks: Callable[[Dialect], Iterator[RecordBlock]]) -> Dialect:
    """Tell the dialect of a file whose first two lines begin without a quote.

    `blocks` reads the file in a dialect. A file that has one meaning only has that; one that can be split both ways is
    RFC 4180 where a value needs its quotes, where one is in quotes that is no text, or where each value of a column
    is. Raises `ExportDataError` where nothing of it tells, and for quotes with a backslash.
    """
    if not any(_OPENING_QUOTE.search(block.data) for block in blocks(Dialect.UNQUOTED)):
        return Dialect.UNQUOTED
    if _is_split(blocks(Dialect.QUOTED)):
        if not _is_split(blocks(Dialect.UNQUOTED)):
            return Dialect.QUOTED
        return _told_by_values(header, blocks(Dialect.UNQUOTED))
    if not _is_split(blocks(Dialect.UNQUOTED)):
        return Dialect.QUOTED  # and reading it says what is wrong
    if any(_BACKSLASHED_QUOTE.search(block.data) for block in blocks(Dialect.UNQUOTED)):
        raise header.refuse(None, 'values in quotes hold quotes written as \\", as neither CircleCI nor RFC 4180 does')
    return Dialect.UNQUOTED


def _is_split(blocks: Iterator[RecordBlock]) -> bool:
    try:
        for block in blocks:
            split_text(block)
    except ExportDataError:
        return False
    return True


def _told_by_values(header: Header, blocks: Iterator[RecordBlock]) -> Dialect:
    in_quotes: dict[str, str] = {}
    bare: set[str] = set()
    for block in blocks:
        frame = split_text(block).frame
        for name in frame.columns:
            values = frame.get_column(name).drop_nulls()
            quoted = values.filter(values.str.starts_with('"'))
            if quoted.len() and (name not in _TEXTS or quoted.str.slice(1).str.head(-1).str.contains('"').any()):
                return Dialect.QUOTED
            if quoted.len():
                in_quotes.setdefault(name, str(quoted[0]))
            if quoted.len() < values.len():
                bare.add(name)
    mixed = [name for name in in_quotes if name in bare]
    if not mixed:
        return Dialect.QUOTED
    raise header.refuse(
        None,
        f"{in_quotes[mixed[0]]} may be a name with its quotes or one that a program put in quotes, and nothing else in "
        "the file tells; save it with every value in quotes",
        mixed[0],
    )
