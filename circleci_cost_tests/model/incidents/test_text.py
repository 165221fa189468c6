"""Incidents in words, in the cells of a table and as JSON."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from circleci_cost.model.incidents.text import (
    KIND_WORDS,
    TABLE_HEADER,
    as_json,
    cells,
    days_text,
    kind_words,
    sentences,
    title,
    where,
)
from circleci_cost.text.amounts import signed_percent
from circleci_cost_tests.model.incidents.incident_rows import incident

PRICE = incident(
    series_kind="cost_center",
    series="ACME Corp",
    kind="price_change",
    status="new_normal",
    first_day=date(2026, 3, 6),
    actual_usd=Decimal(120),
    expected_usd=Decimal(100),
    impact_usd=Decimal(20),
    impact_share=Decimal("0.2"),
)


def test_an_incident_that_goes_on_in_words() -> None:
    assert title(incident()) == "acme / web: level shift up, +$15.12 so far"
    assert sentences(incident(), "+$14.00 (+50 %): runs +$14.00 (10 → 15).") == [
        "Project acme / web cost $40.13 from 2026-03-04 to 2026-03-06, $15.12 more than the $25.00 that were expected.",
        "Against the same weekdays before: +$14.00 (+50 %): runs +$14.00 (10 → 15).",
        "If it stays, a month comes to +$153.45.",
    ]
    assert dict(zip(TABLE_HEADER, cells(incident()), strict=True)) == {
        "incident": "57bb05f099",
        "what": "level shift up",
        "where": "project acme / web",
        "since": "2026-03-04 to 2026-03-06",
        "status": "open",
        "impact": "+$15.12 (+12 % of the organization's day)",
        "per month": "+$153.45",
    }


def test_a_drop_of_one_day_that_is_over() -> None:
    day = date(2026, 3, 4)
    amounts = {"actual_usd": Decimal("0.5"), "expected_usd": Decimal("1234.5"), "impact_usd": Decimal(-1234)}
    row = incident(
        kind="outage", direction="down", status="ended", last_day=day, monthly_impact_usd=None, impact_share=None
    )
    row |= amounts
    assert title(row) == "acme / web: outage, -$1,234.00"
    assert sentences(row) == [
        "Project acme / web cost $0.50 on 2026-03-04, $1,234.00 less than the $1,234.50 that were expected."
    ]
    assert cells(row)[3:] == ("2026-03-04", "ended", "-$1,234.00", "–")


def test_a_new_price_is_worded_as_the_cost_of_a_credit_and_keeps_the_name_as_it_is() -> None:
    assert title(PRICE) == "ACME Corp: new price up, +$20.00"
    assert sentences(PRICE, "never said")[:2] == [
        "Cost center ACME Corp has a new price since 2026-03-06.",
        "A credit costs +20 % since 2026-03-06.",
    ]


def test_a_new_price_of_what_was_not_used_has_no_step() -> None:
    row = PRICE | {"expected_usd": Decimal(0), "impact_usd": Decimal(0)}
    assert sentences(row)[1] == "A credit costs 0 % since 2026-03-06."


def test_sentences_have_the_amounts_of_the_title_whatever_their_size() -> None:
    small = incident(actual_usd=Decimal("0.05"), expected_usd=Decimal("0.02"), impact_usd=Decimal("0.031234"))
    assert title(small).endswith("+$0.0312 so far")
    assert "$0.0312 more than" in sentences(small)[0]
    large = incident(impact_usd=Decimal("1234567890.125"))
    assert "$1,234,567,890.12 more" in sentences(large)[0]


def test_a_rise_that_came_to_less_in_all_is_worded_as_less() -> None:
    row = incident(actual_usd=Decimal(24), impact_usd=Decimal(-1))
    assert "$1.00 less than the $25.00" in sentences(row)[0]


@pytest.mark.parametrize(
    ("kind", "direction", "words"),
    [
        ("spike", "up", "spike"),
        ("drop", "down", "drop"),
        ("level_shift", "down", "level shift down"),
        ("drift", "up", "drift up"),
        ("outage", "down", "outage"),
        ("vanished", "down", "no longer used"),
        ("weekend_leak", "up", "use on a weekend"),
        ("new", "up", "new"),
        ("price_change", "down", "new price down"),
    ],
)
def test_each_kind_has_words(kind: str, direction: str, words: str) -> None:
    assert kind_words(incident(kind=kind, direction=direction)) == words
    assert kind in KIND_WORDS


def test_each_level_is_named() -> None:
    names: list[tuple[dict[str, Any], str]] = [
        ({"series_kind": "cost_center", "series": "acme"}, "cost center acme"),
        ({"series_kind": "job", "series": "acme / web / build / test"}, "job acme / web / build / test"),
        ({"series_kind": "tag", "series": "team=web"}, "tag team=web"),
        ({"series_kind": "charge_type", "series": "acme / user"}, "charge type acme / user"),
    ]
    assert [where(incident(**changes)) for changes, _ in names] == [expected for _, expected in names]
    assert days_text(date(2026, 3, 4), date(2026, 3, 4)) == "2026-03-04"


@pytest.mark.parametrize(
    ("share", "text"),
    [("0.125", "+12 %"), ("-0.5", "-50 %"), ("0", "0 %"), ("12.345678", "+1,235 %"), ("0.135", "+14 %")],
)
def test_shares_are_whole_percents_with_their_sign(share: str, text: str) -> None:
    assert signed_percent(Decimal(share)) == text


def test_json_has_every_digit_as_text_and_nothing_but_counts_as_numbers() -> None:
    as_written = as_json(incident(reason="the new suite", decided_until=date(2026, 12, 31), status="expected"))
    assert as_written == {
        "incident_id": "57bb05f099",
        "series_kind": "project",
        "series": "acme / web",
        "cost_center": "acme",
        "organization": "acme",
        "project": "web",
        "workflow": None,
        "job": None,
        "charge_type": None,
        "tag": None,
        "tag_value": None,
        "kind": "level_shift",
        "direction": "up",
        "status": "expected",
        "first_day": "2026-03-04",
        "last_day": "2026-03-06",
        "told_on": "2026-03-04",
        "reason": "the new suite",
        "decided_until": "2026-12-31",
        "data_through": "2026-03-06",
        "actual_usd": "40.1250000000000001",
        "expected_usd": "25",
        "impact_usd": "15.125",
        "impact_usd_per_day": "5.041667",
        "peak_usd_per_day": "5.041667",
        "impact_share": "0.1234",
        "monthly_impact_usd": "153.451389",
        "score": "1.8054",
        "alarms": 9,
        "series_in_alarm": 3,
    }
    assert as_json(incident(impact_share=None, monthly_impact_usd=None))["monthly_impact_usd"] is None
