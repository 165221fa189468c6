"""What a person may write as a decision: the reason becomes one harmless line, and a day is a day."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.errors import UsageError
from circleci_cost.model.incidents.decision import LONGEST_REASON, Decision, asked_decision, version_of
from circleci_cost.text.plain import is_unsafe


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", None),
        (" \t\r\n ", None),
        ("\u202e\u200b", None),
        ("  load test  ", "load test"),
        ("first line\r\nsecond\tline\u2028third", "first line second line third"),
        ("evil\u202egnp.exe\u200b\x07", "evilgnp.exe"),
        ("caf\u0065\u0301", "caf\u00e9"),
        ("=HYPERLINK(1)", "=HYPERLINK(1)"),
        ("a, \"b\" and 'c'", "a, \"b\" and 'c'"),
        ("\U0001f469\u200d\U0001f4bb works", "\U0001f469\u200d\U0001f4bb works"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_a_reason_becomes_one_line_without_what_nobody_sees(written: str, reason: str | None) -> None:
    assert asked_decision("expected", written) == Decision("expected", reason)


@given(st.text())
def test_no_reason_keeps_a_character_that_controls_or_hides(written: str) -> None:
    reason = asked_decision("ignored", written).reason or ""
    assert not any(map(is_unsafe, reason))
    assert asked_decision("ignored", reason).reason == (reason or None)


def test_a_reason_of_any_length_is_taken_or_refused_in_one_sentence() -> None:
    longest = "x" * LONGEST_REASON
    assert asked_decision("expected", f"  {longest}\n").reason == longest
    with pytest.raises(UsageError, match=r"^The reason has 100,000 characters; write at most 500\.$"):
        asked_decision("expected", "x" * 100_000)


@pytest.mark.parametrize(
    ("decision", "until", "sentence"),
    [
        ("fine", "", "'fine' is no decision; choose expected or ignored."),
        ("", "", "'' is no decision; choose expected or ignored."),
        ("expected", "31.12.2026", "until = '31.12.2026' is no day; write YYYY-MM-DD, such as 2026-01-31."),
        ("expected", "2026-02-30", "until = '2026-02-30' is no day; write YYYY-MM-DD, such as 2026-01-31."),
        ("expected", "20261231", "until = '20261231' is no day; write YYYY-MM-DD, such as 2026-01-31."),
    ],
)
def test_what_is_no_decision_or_day_is_refused(decision: str, until: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        asked_decision(decision, "", until)
    assert str(refused.value) == sentence


def test_a_decision_in_words_names_reason_and_end() -> None:
    assert str(asked_decision("expected", "load test", "2026-12-31")) == "expected (load test) until 2026-12-31"
    assert str(Decision("ignored")) == "ignored"


def test_versions_tell_decisions_apart() -> None:
    decisions = [None, Decision("expected"), Decision("ignored"), Decision("expected", "a")]
    decisions += [Decision("expected", None, date(2026, 1, 1)), Decision("expected", "2026-01-01")]
    assert len({version_of(decision) for decision in decisions}) == len(decisions)
    assert version_of(Decision("expected", "a")) == version_of(asked_decision("expected", " a "))
