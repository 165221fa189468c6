"""A message as an e-mail with a text and an HTML part; the standard library writes the headers.

`email_channel` sends it.
"""

from collections.abc import Sequence
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from html import escape

from circleci_cost.notify.messages import Envelope, Message, Table
from circleci_cost.notify.plain import MAX_ROWS, as_text
from circleci_cost.notify.text import more

_COLORS = {"info": "#1f2933", "warning": "#8a4b00", "critical": "#a61b1b"}
_CELL = "padding:4px 12px 4px 0;border-bottom:1px solid #d9dee3;text-align"


def as_mail(envelope: Envelope, sender: str, recipients: Sequence[str]) -> EmailMessage:
    """The mail. Its Message-ID is the same for the same key and sender, so that mailboxes recognize a repetition."""
    message = envelope.message
    # A folded subject would hide its beginning from mail filters; a title has at most 200 characters.
    mail = EmailMessage(policy=SMTP.clone(max_line_length=400))
    mail["Subject"] = f"[CircleCI cost] {message.title}"
    mail["From"] = Address("CircleCI cost", addr_spec=sender)
    mail["To"] = [Address(addr_spec=recipient) for recipient in recipients]
    mail["Date"] = envelope.created_at
    mail["Message-ID"] = f"<{envelope.id}@{sender.rpartition('@')[2]}>"
    # Keeps automatic replies, such as holiday notices, from answering (RFC 3834).
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{message.title}\n\n{as_text(message)}", cte="quoted-printable")
    mail.add_alternative(_html(message), subtype="html", cte="quoted-printable")
    return mail


def _html(message: Message) -> str:
    parts = [
        f'<h1 style="font-size:20px;color:{_COLORS[message.severity]}">{escape(message.title)}</h1>',
        *(f"<p>{escape(line)}</p>" for line in message.lines),
        _facts(message.facts),
        _table(message.table) if message.table else "",
        f'<p><a href="{escape(message.link)}">Open in Dagster</a></p>' if message.link else "",
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"></head>\n'
        f'<body style="font-family:sans-serif;font-size:14px;color:#1f2933">\n{body}\n</body></html>\n'
    )


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th style="{_CELL}:left">{escape(label)}</th><td style="{_CELL}:left">{escape(value)}</td></tr>\n'
        for label, value in facts
    )
    return f"<table>\n{rows}</table>" if rows else ""


def _table(table: Table) -> str:
    rows = "".join(_row("td", row) for row in table.rows[:MAX_ROWS])
    left_out = len(table.rows) - MAX_ROWS
    rest = f"\n<p>{more(left_out)}</p>" if left_out > 0 else ""
    return f"<table>\n{_row('th', table.header)}{rows}</table>{rest}"


def _row(kind: str, cells: Sequence[str]) -> str:
    columns = (
        f'<{kind} style="{_CELL}:{"right" if column else "left"}">{escape(cell)}</{kind}>'
        for column, cell in enumerate(cells)
    )
    return f"<tr>{''.join(columns)}</tr>\n"
