r"""Tells whether the quotes in an imported file with an unquoted header are CircleCI's text or a program's addition.

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
# Searches from the first opening quote of a line, once per line, as values may be long.
_BACKSLASHED_QUOTE = re.compile(rb'^(?>"|[^\n]*?,")[^\n]*?\\"', re.MULTILINE)
_TEXTS = {column.source for column in EXPORT_COLUMNS if column.kind is Kind.TEXT}


def dialect_of(header: Header, blocks: Callable[[Dialect], Iterator[RecordBlock]]) -> Dialect:
    """Tell the dialect of a file whose first two lines begin without a quote.

    `blocks` reads the file in a dialect. If only one dialect can split the file, it is that one. If both can, it is
    RFC 4180 where a value needs its quotes, where a value that is not text is in quotes, or where no column has both
    quoted and bare values. Raises `ExportDataError` where none of these decides, and for quotes with a backslash.
    """
    if not any(b'"' in block.data and _OPENING_QUOTE.search(block.data) for block in blocks(Dialect.UNQUOTED)):
        return Dialect.UNQUOTED
    if _can_be_split(blocks(Dialect.QUOTED)):
        if not _can_be_split(blocks(Dialect.UNQUOTED)):
            return Dialect.QUOTED
        return _dialect_of_values(header, blocks(Dialect.UNQUOTED))
    if not _can_be_split(blocks(Dialect.UNQUOTED)):
        return Dialect.QUOTED  # reading it reports what is wrong
    if any(_BACKSLASHED_QUOTE.search(block.data) for block in blocks(Dialect.UNQUOTED)):
        raise header.refuse(None, 'values in quotes hold quotes written as \\", as neither CircleCI nor RFC 4180 does')
    return Dialect.UNQUOTED


def _can_be_split(blocks: Iterator[RecordBlock]) -> bool:
    try:
        for block in blocks:
            split_text(block)
    except ExportDataError:
        return False
    return True


def _dialect_of_values(header: Header, blocks: Iterator[RecordBlock]) -> Dialect:
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
