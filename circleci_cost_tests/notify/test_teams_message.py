"""Cards for Teams need nothing that came after version 1.2 of Adaptive Cards, the last one that phones show."""

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, get_args

import pytest

from circleci_cost.config.notifications import Event
from circleci_cost.day_ranges import DayRange
from circleci_cost.model.credits.outlook import OUTLOOK_SCHEMA
from circleci_cost.model.pricing.price_periods import PricePeriod
from circleci_cost.notify import events
from circleci_cost.notify.anomaly_events import anomaly_recovered
from circleci_cost.notify.credit_events import builds_may_stop, credits_expiring, credits_low
from circleci_cost.notify.digest_events import BudgetState, DigestRow, DigestSection, digest
from circleci_cost.notify.messages import Envelope, Notice
from circleci_cost.notify.teams_message import MAX_BYTES, as_teams
from circleci_cost_tests.model.incidents.incident_rows import incident
from circleci_cost_tests.notify.harness import DAYS, HOSTILE, NOW, at_80_percent, envelope, failed
from circleci_cost_tests.notify.test_anomaly_events import whole
from circleci_cost_tests.notify.test_hostile_names import hostile

DAY = date(2026, 3, 9)
CREDITS = dict.fromkeys(OUTLOOK_SCHEMA) | {
    "cost_center": "acme",
    "data_through": DAY,
    "runs_out_on": DAY,
    "runs_out_earliest": DAY,
    "runs_out_latest": DAY,
    "balance_credits": Decimal(50_000),
    "credits_per_day": Decimal(10_000),
    "top_up_credits": Decimal(400_000),
    "top_up_until": DAY,
}
# By https://adaptivecards.io/schemas/1.2.0/adaptive-card.json; `msteams` is Teams' own.
_OF_ALL_ELEMENTS = {"type", "id", "fallback", "height", "isVisible", "requires", "separator", "spacing"}
PROPERTIES = {
    "AdaptiveCard": {
        *("$schema", "type", "version", "body", "actions", "selectAction", "style", "fallbackText", "backgroundImage"),
        *("minHeight", "speak", "lang", "verticalContentAlignment", "msteams"),
    },
    "RichTextBlock": _OF_ALL_ELEMENTS | {"inlines", "horizontalAlignment"},
    "TextRun": {
        *("type", "text", "color", "fontType", "highlight", "isSubtle", "italic", "selectAction", "size"),
        *("strikethrough", "weight"),
    },
    "ColumnSet": _OF_ALL_ELEMENTS | {"columns", "selectAction", "style", "bleed", "backgroundImage", "minHeight"},
    "Column": {
        *("type", "id", "isVisible", "requires", "items", "backgroundImage", "bleed", "fallback", "minHeight"),
        *("separator", "spacing", "selectAction", "style", "verticalContentAlignment", "width"),
    },
    "Action.OpenUrl": {"type", "id", "url", "title", "iconUrl", "style", "fallback", "requires"},
}
VALUES = {
    "version": {"1.2"},
    "color": {"default", "dark", "light", "accent", "good", "warning", "attention"},
    "size": {"default", "small", "medium", "large", "extralarge"},
    "weight": {"default", "lighter", "bolder"},
    "spacing": {"default", "none", "small", "medium", "large", "extralarge", "padding"},
}


def notices() -> Iterator[Notice]:
    """A notice of each event, with all its optional parts."""
    yield events.import_complete(
        "acme",
        DAYS,
        jobs=1,
        runs=1,
        credits_used=Decimal(5),
        unpriced_credits=Decimal(1),
        cost=Decimal(3),
        prices=[PricePeriod("acme", date(2026, 1, 1), None, Decimal("0.0006"))],
        unpriced_days=[DayRange(DAY, DAY)],
    )
    yield failed()
    yield events.sync_recovered("acme", DAYS, "run-2", open_period="run-1")
    yield at_80_percent(forecast_median=Decimal(1250))
    yield events.price_gap("acme", DAY)
    for days_left in (30, 1, -1):
        notice = events.token_expiry("acme", "CIRCLECI_TOKEN", DAY, days_left)
        assert notice is not None
        yield notice
    yield events.data_quality("coverage", "acme", "Only 60 %.", DAY, DAY)
    yield whole()
    yield anomaly_recovered(incident(status="ended"))
    yield digest(
        "web",
        "2026-W10",
        [DigestRow("web", Decimal(7), Decimal(5))],
        DigestRow("Total", Decimal(7), Decimal(5)),
        budgets=[BudgetState("web", "2026-03", "at_risk", "USD", Decimal(1000), Decimal(800))],
        changes=["New: web."],
        sections={"waste": DigestSection(("Waste: $1.00.",), {}, (DigestRow("all waste", Decimal(1), Decimal(0)),))},
    )
    yield credits_low(CREDITS, DAY)
    yield builds_may_stop(CREDITS, DAY)
    yield credits_expiring("acme", DAY, Decimal(60_000), Decimal(36))


def envelopes() -> list[Envelope]:
    """An envelope of each kind, that of `notify test` and ones to be cut included, some with a link."""
    linked = [
        Envelope(notice.key, notice.message.model_copy(update={"link": "https://dagster.example.com"}), NOW)
        for notice in notices()
    ]
    long = [hostile(rows=1000), hostile("\N{GRINNING FACE}" * 2000, rows=500, lines=200)]
    return [*map(envelope, notices()), *linked, events.channel_test(NOW, None), hostile(), *long]


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """All objects of a card that have a type."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and "type" in value:
        yield value
    for child in children:
        yield from parts(child)


def test_there_is_a_card_of_every_event() -> None:
    assert {envelope.key.event for envelope in envelopes()} == {*get_args(Event), "test"}


@pytest.mark.parametrize("sent", envelopes(), ids=lambda envelope: f"{envelope.key.event}-{envelope.key.threshold}")
def test_a_card_needs_no_more_than_version_1_2(sent: Envelope) -> None:
    body = as_teams(sent)
    assert len(body) <= MAX_BYTES
    message = json.loads(body)
    (attachment,) = message["attachments"]
    card = attachment["content"]
    elements = list(parts(card))
    assert elements[0] is card
    for part in elements:
        assert set(part) <= PROPERTIES[part["type"]], part["type"]
        for name, allowed in VALUES.items():
            assert str(part.get(name, min(allowed))).lower() in allowed
        assert type(part.get("width", 1)) is int
    assert message["summary"] == sent.message.title
    assert card["fallbackText"].replace("\\", "") == sent.message.title.replace("\\", "")
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"


def test_the_fallback_text_has_no_markdown_of_a_name() -> None:
    card = json.loads(as_teams(envelope(failed(center="*b* [x](http://e.example) `c` <at>all</at>"))))
    assert card["summary"] == "*b* [x](http://e.example) `c` <at>all</at>: sync failed"
    assert card["attachments"][0]["content"]["fallbackText"] == (
        r"\*b\* \[x\]\(http://e.example\) \`c\` \<at\>all\</at\>: sync failed"
    )
    assert "\n" not in json.loads(as_teams(hostile(HOSTILE)))["attachments"][0]["content"]["fallbackText"]
