"""A message as plain text, for e-mail and for services without a renderer of their own.

It escapes no markup: plain text has none.
"""

from collections.abc import Sequence

from circleci_cost.notify.messages import Message, Table
from circleci_cost.notify.text import more

MAX_ROWS = 500


def as_text(message: Message) -> str:
    """Paragraphs of the message without its title: sentences, facts, the table, the link."""
    paragraphs = [
        "\n".join(message.lines),
        "\n".join(f"{label}: {value}" for label, value in message.facts),
        "\n".join(table_lines(message.table)) if message.table else "",
        message.link or "",
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def table_lines(table: Table, max_rows: int = MAX_ROWS) -> list[str]:
    """A table in columns, names to the left, amounts to the right; at most `max_rows` rows, then how many are left."""
    shown = table.rows[:max_rows]
    cells = [table.header, *shown]
    widths = [max(len(row[column]) for row in cells) for column in range(len(table.header))]
    lines = [_line(row, widths) for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    left_out = len(table.rows) - len(shown)
    return [*lines, more(left_out)] if left_out else lines


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = row
    columns = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
    return "  ".join(columns).rstrip()
