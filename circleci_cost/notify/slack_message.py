"""A message as Slack blocks for an incoming webhook (https://docs.slack.dev/reference/block-kit).

Texts are `plain_text`, in which Slack reads no markup. Only the table and the link are `mrkdwn`: the table needs its
fixed width. Both are `verbatim`, so that Slack links nothing in them by itself.
"""

import json

from circleci_cost.notify.messages import Envelope, Table
from circleci_cost.notify.plain import table_lines
from circleci_cost.notify.text import escaped_and_cut, fitting

# Slack's limits: characters of a header and of a section, blocks of a message.
HEADER_LENGTH = 150
SECTION_LENGTH = 3000
MAX_BLOCKS = 50
_FALLBACK_LENGTH = 1000
# Four blocks are kept for the header, the table, the link, and the sign that sentences were left out.
_SECTIONS = MAX_BLOCKS - 4


def escape(text: str) -> str:
    """The text with Slack's three control characters as entities, as its documentation asks: no mention, no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_slack(envelope: Envelope) -> bytes:
    """The body of the webhook's request, JSON in UTF-8."""
    message = envelope.message
    lines = [escaped_and_cut(line, escape, SECTION_LENGTH - 1) for line in message.lines]
    facts = [escaped_and_cut(f"{label}: {value}", escape, SECTION_LENGTH - 1) for label, value in message.facts]
    sections = [*_sections(lines), *_sections(facts)]
    blocks = [
        {"type": "header", "text": _plain(escaped_and_cut(message.title, escape, HEADER_LENGTH))},
        *sections[:_SECTIONS],
        *([_plain_section("…")] if len(sections) > _SECTIONS else []),
        *([_table(message.table)] if message.table else []),
        *([_link(message.link)] if message.link else []),
    ]
    body = {
        # Shown in notifications and by clients without blocks: no markup, no name resolved.
        "text": escaped_and_cut(message.title, escape, _FALLBACK_LENGTH),
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks,
    }
    return json.dumps(body, ensure_ascii=False).encode()


def _sections(lines: list[str]) -> list[dict[str, object]]:
    """Sections of whole lines, each within Slack's limit."""
    sections: list[dict[str, object]] = []
    kept: list[str] = []
    for line in lines:
        if kept and len("\n".join([*kept, line])) > SECTION_LENGTH:
            sections.append(_plain_section("\n".join(kept)))
            kept = []
        kept.append(line)
    return [*sections, _plain_section("\n".join(kept))] if kept else sections


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _plain_section(text: str) -> dict[str, object]:
    return {"type": "section", "text": _plain(text)}


def _table(table: Table) -> dict[str, object]:
    # A backtick would end the code block.
    lines = [escape(line.replace("`", "'")) for line in table_lines(table, len(table.rows))]
    text = "```" + "\n".join(fitting(lines, SECTION_LENGTH - 6)) + "```"
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _link(link: str) -> dict[str, object]:
    text = f"<{escape(link.replace('|', '%7C'))}|Open in Dagster>"
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}
