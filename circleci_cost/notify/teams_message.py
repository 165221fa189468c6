"""A message as an Adaptive Card for a Teams workflow's webhook (https://adaptivecards.io/explorer).

All texts are runs of `RichTextBlock`, in which Teams reads no Markdown, unlike in `TextBlock` and `FactSet`: nothing
needs escaping, and no name can add markup.
"""

import json
import re
from collections.abc import Sequence

from circleci_cost.notify.messages import Envelope, Message, Table
from circleci_cost.notify.text import more

# Teams refuses messages of more than 28 KB.
MAX_BYTES = 27_000
# Teams on phones shows no later version; a test checks every card against it.
_VERSION = "1.2"
_MARKUP = re.compile(r"[\\`*_\[\]()<>~#|]")
_COLORS = {"info": "default", "warning": "warning", "critical": "attention"}


def as_teams(envelope: Envelope) -> bytes:
    """The body of the webhook's request, JSON in UTF-8, at most `MAX_BYTES`: rows of the table are left out first."""
    message = envelope.message
    rows = len(message.table.rows) if message.table else 0
    lines = len(message.lines)
    # Halving is quick, and even half of such a table is long for a chat.
    while len(body := _card(message, rows, lines)) > MAX_BYTES:
        if rows:
            rows //= 2
        elif lines > 1:
            lines //= 2
        else:
            return _card(message.model_copy(update={"facts": (), "table": None}), 0, lines)
    return body


def _card(message: Message, rows: int, lines: int) -> bytes:
    left_out = len(message.lines) - lines
    body = [
        _text(message.title, weight="Bolder", size="Large", color=_COLORS[message.severity]),
        *(_text(line) for line in message.lines[:lines]),
        *([_text(more(left_out))] if left_out else []),
        *(_fact(label, value) for label, value in message.facts),
        *(_table(message.table, rows) if message.table else []),
    ]
    card: dict[str, object] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": _VERSION,
        # Shown where a card cannot be, and read as Markdown.
        "fallbackText": _MARKUP.sub(r"\\\g<0>", message.title),
        "msteams": {"width": "Full"},
        "body": body,
    }
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open in Dagster", "url": message.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    content = {"type": "message", "summary": message.title, "attachments": [attachment]}
    return json.dumps(content, ensure_ascii=False).encode()


def _run(text: str, **style: str) -> dict[str, str]:
    return {"type": "TextRun", "text": text, **style}


def _text(text: str, **style: str) -> dict[str, object]:
    return {"type": "RichTextBlock", "inlines": [_run(text, **style)]}


def _fact(label: str, value: str) -> dict[str, object]:
    return {"type": "RichTextBlock", "inlines": [_run(f"{label}: ", weight="Bolder"), _run(value)]}


def _table(table: Table, rows: int) -> list[dict[str, object]]:
    left_out = len(table.rows) - rows
    shown = [_row(table.header, weight="Bolder"), *(_row(row, spacing="Small") for row in table.rows[:rows])]
    return [*shown, _text(more(left_out))] if left_out else shown


def _row(cells: Sequence[str], *, spacing: str = "Default", **style: str) -> dict[str, object]:
    """A row of a table as columns, since `Table` came only with version 1.5."""
    columns = [
        {"type": "Column", "width": 1 if column else 2, "items": [_text(cell, **style)]}
        for column, cell in enumerate(cells)
    ]
    return {"type": "ColumnSet", "spacing": spacing, "columns": columns}
