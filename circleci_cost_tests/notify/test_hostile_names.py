"""Names that hold markup, mentions, line breaks or overrides do nothing in any channel (f106), nor do long ones."""

import html.parser
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from circleci_cost.notify.apprise_channel import harmless
from circleci_cost.notify.mail_message import as_mail
from circleci_cost.notify.messages import Envelope, Key, Message, Table
from circleci_cost.notify.payload import as_payload
from circleci_cost.notify.plain import as_text
from circleci_cost.notify.slack_message import HEADER_LENGTH, MAX_BLOCKS, SECTION_LENGTH, as_slack
from circleci_cost.notify.teams_message import MAX_BYTES, as_teams
from circleci_cost_tests.notify.harness import HOSTILE, NOW, Site, email_section, failed
from circleci_cost_tests.notify.mailbox import Mailbox

SENT = HOSTILE.replace("\r", "\ufffd").replace("\n", "\ufffd").replace("\u202e", "\ufffd")


def hostile(text: str = HOSTILE, rows: int = 2, lines: int = 1) -> Envelope:
    """A message with a hostile name everywhere."""
    message = Message(
        title=text,
        severity="critical",
        lines=(text,) * lines,
        facts=((text, text),),
        table=Table(header=("Project", "Cost"), rows=((text, "$1.00"),) * rows),
        data={text: text, "rows": [{"name": text}]},
        link="https://dagster.example.com",
    )
    return Envelope(Key("data_quality", text), message, NOW)


def strings(value: Any) -> list[str]:
    """All texts of a structure."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in [*strings(key), *strings(item)]]
    return [text for item in value for text in strings(item)] if isinstance(value, list) else []


class Tags(html.parser.HTMLParser):
    """Keeps the tags and the text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_f106_a_mail_has_no_header_and_no_tag_of_a_name(site: Site, mailbox: Mailbox) -> None:
    site.configure(email_section(mailbox))
    site.run(failed(sentence=HOSTILE, center=HOSTILE))
    (mail,) = mailbox.mails
    assert mailbox.envelopes[0][1] == ["ann@example.com"]
    assert set(mail.keys()) >= {"Subject", "From", "To", "Date", "Message-ID"}
    assert "Bcc" not in mail
    # The standard library doubles a space where it folds a long header.
    assert " ".join(mail["Subject"].split()) == f"[CircleCI cost] {SENT}: sync failed"
    text, page = (part.get_content() for part in mail.iter_parts())
    assert SENT in text.splitlines()
    tags = Tags(page)
    assert tags.tags == {"html", "head", "meta", "body", "h1", "p", "table", "tr", "th", "td"}
    assert SENT in tags.text


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"])
def test_f106_no_line_ending_gets_into_a_subject(ending: str) -> None:
    mail = as_mail(hostile(f"x{ending}Bcc: y@evil.example"), "a@example.com", ["b@example.com"])
    assert mail["Subject"] == "[CircleCI cost] x" + "\ufffd" * len(ending) + "Bcc: y@evil.example"
    assert "\nBcc" not in bytes(mail).decode().partition("\r\n\r\n")[0]


def test_f106_slack_finds_no_mention_no_link_and_no_markup_in_a_name() -> None:
    body = json.loads(as_slack(hostile()))
    assert (body["parse"], body["link_names"], body["mrkdwn"]) == ("none", False, False)
    texts = [block["text"] for block in body["blocks"] if "text" in block]
    marked = [text for text in texts if text["type"] == "mrkdwn"]
    # Slack reads markup only in the table, a code block that no backtick of a name can end.
    (table,) = marked
    assert table["verbatim"]
    assert table["text"].startswith("```")
    assert table["text"].endswith("```")
    assert "`" not in table["text"][3:-3]
    (context,) = [block for block in body["blocks"] if block["type"] == "context"]
    assert [element["text"] for element in context["elements"]] == ["<https://dagster.example.com|Open in Dagster>"]
    for text in [body["text"], *(text["text"] for text in texts)]:
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)|[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069]", text)
    assert "&lt;!channel&gt; @here" in texts[0]["text"]
    assert {text["emoji"] for text in texts if text["type"] == "plain_text"} == {False}


def test_f106_teams_gets_no_text_in_which_it_reads_markdown() -> None:
    card = json.loads(as_teams(hostile()))["attachments"][0]["content"]
    kinds = set(re.findall(r'"type": "([\w.]+)"', json.dumps(card)))
    assert kinds == {"AdaptiveCard", "RichTextBlock", "TextRun", "ColumnSet", "Column", "Action.OpenUrl"}
    assert SENT in strings(card)
    assert not any("\n" in text or "\u202e" in text for text in strings(card))
    assert card["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open in Dagster", "url": "https://dagster.example.com"}
    ]


def test_f106_the_webhook_says_the_name_in_one_line() -> None:
    body = as_payload(hostile())
    assert body.isascii()
    content = json.loads(body)
    assert (content["title"], content["key"]["subject"], content["data"][SENT]) == (SENT, SENT, SENT)
    assert not any(re.search(r"[\x00-\x1f\u202e]", text) for text in strings(content))


def test_f106_apprise_gets_no_mention_no_tag_and_no_markdown_link() -> None:
    text = harmless(as_text(hostile().message))
    assert not re.search(r"[@<>`]|\]\(", text)
    assert "[x] (http://e.example)" in text


def test_an_unpaired_surrogate_breaks_no_channel() -> None:
    envelope = hostile("x\ud800y")
    assert "x\ufffdy" in as_slack(envelope).decode()
    assert "x\ufffdy" in as_teams(envelope).decode()
    assert "x\ufffdy" in str(as_mail(envelope, "a@example.com", ["b@example.com"])["Subject"])


def test_emoji_and_letters_of_all_scripts_stay() -> None:
    name = "équipe 👩‍💻 データ 数据"
    assert Message(title=name).title == name


@pytest.mark.parametrize("text", ["x" * 5000, "&" * 5000, "😀" * 5000, "a b " * 2000])
def test_long_messages_keep_to_the_limits_of_the_services(text: str) -> None:
    envelope = hostile(text, rows=3000, lines=200)
    body = json.loads(as_slack(envelope))
    assert len(body["blocks"]) <= MAX_BLOCKS
    for block in body["blocks"]:
        if "text" in block:
            length = HEADER_LENGTH if block["type"] == "header" else SECTION_LENGTH
            assert 0 < len(block["text"]["text"]) <= length
            assert not re.search(r"&(?!amp;|lt;|gt;)", block["text"]["text"])
    assert len(as_teams(envelope)) <= MAX_BYTES
    mail = as_mail(envelope, "a@example.com", ["b@example.com"])
    # RFC 5321: a line is at most 998 characters long.
    assert max(map(len, bytes(mail).split(b"\r\n"))) <= 998


def test_a_table_that_is_too_long_says_how_many_rows_are_missing() -> None:
    rows = tuple((f"project-{number:04}", "$1.00") for number in range(1000))
    message = Message(title="x", table=Table(header=("Project", "Cost"), rows=rows))
    envelope = Envelope(Key("digest", "web"), message, datetime(2026, 3, 10, tzinfo=UTC))
    table = json.loads(as_slack(envelope))["blocks"][1]["text"]["text"].strip("`").splitlines()
    shown = [line for line in table if line.startswith("project-")]
    assert table[-1] == f"… and {1000 - len(shown):,} more"
    assert table[:3] == ["Project        Cost", "------------  -----", "project-0000  $1.00"]
    card = json.loads(as_teams(envelope))["attachments"][0]["content"]["body"]
    assert (
        card[-1]["inlines"][0]["text"]
        == f"… and {1000 - (sum(part['type'] == 'ColumnSet' for part in card) - 1):,} more"
    )
    assert as_text(message).splitlines()[-1] == "… and 500 more"
