"""Explanations asked for by texts, as an address has them."""

from datetime import date

import pytest

from circleci_cost.errors import UsageError
from circleci_cost.warehouse.drivers.explanation import AskedChange


def test_every_parameter_of_an_address_is_read_and_what_is_empty_was_not_said() -> None:
    asked = AskedChange.of_texts(
        {
            "from": ["2026-03-02"],
            "to": ["2026-03-08"],
            "against": ["previous"],
            "by": ["team", "job"],
            "where": ["project!=web", ""],
            "limit": ["3"],
            "metric": ["cost"],
        }
    )
    assert asked == AskedChange(date(2026, 3, 2), date(2026, 3, 8), "previous", ["team", "job"], ["project!=web"], 3)
    empty = AskedChange.of_texts({"from": [""], "against": [], "limit": [""]})
    assert (empty.first, empty.last, empty.against, empty.limit) == (None, None, "weekdays", 10)


@pytest.mark.parametrize(
    ("name", "texts", "sentence"),
    [
        ("from", ["yesterday"], "'yesterday' is no day; write it as YYYY-MM-DD, such as 2026-01-31."),
        ("limit", ["1001"], "limit '1001' is no number from 1 to 1,000."),
        ("to", ["2026-01-01", "2026-01-02"], "to is given 2 times; give it once."),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(name: str, texts: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as refusal:
        AskedChange.of_texts({name: texts})
    assert str(refusal.value) == sentence
