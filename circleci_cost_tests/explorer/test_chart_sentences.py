"""The sentence that stands for a chart."""

from decimal import Decimal

import pytest

from circleci_cost.explorer.chart_sentences import amount_in, change_sentence


@pytest.mark.parametrize(
    ("total", "before", "sentence"),
    [
        ("1234.50", "1143.06", "Cost rose 8 % to $1,234.50 against the 30 days before."),
        ("1050", "1000", "Cost rose 5 % to $1,050.00 against the 30 days before."),
        ("1053", "1000", "Cost rose 5.3 % to $1,053.00 against the 30 days before."),
        ("500", "1000", "Cost fell 50 % to $500.00 against the 30 days before."),
        ("0", "1000", "Cost fell 100 % to $0.00 against the 30 days before."),
        ("0.01", "1000", "Cost fell >99 % to $0.01 against the 30 days before."),
        ("1000.001", "1000", "Cost rose <0.1 % to $1,000.00 against the 30 days before."),
        ("3000", "1000", "Cost rose 200 % to $3,000.00 against the 30 days before."),
        ("1000", "1000.000", "Cost stayed at $1,000.00, as in the 30 days before."),
        ("0", "0", "Cost stayed at $0.00, as in the 30 days before."),
        ("5", "0", "Cost: $5.00, after $0.00 in the 30 days before."),
        ("5", None, "Cost: $5.00."),
        (None, None, "Cost: unpriced."),
        (None, "5", "Cost: unpriced."),
    ],
)
def test_a_total_and_what_it_is_compared_with_make_a_sentence(
    total: str | None, before: str | None, sentence: str
) -> None:
    given = change_sentence(
        "Cost",
        None if total is None else Decimal(total),
        None if before is None else Decimal(before),
        unit="USD",
        against="the 30 days before",
    )
    assert given == sentence


def test_a_change_that_would_mislead_is_withheld_with_its_reason() -> None:
    days = {"unit": "USD", "against": "the 30 days before"}
    assert (
        change_sentence("Cost", Decimal(12), Decimal(90), **days, withheld="2 of 30 days are incomplete")
        == "Cost: $12.00 (no change is shown, 2 of 30 days are incomplete)."
    )
    assert (
        change_sentence("Cost", None, None, **days, withheld="1,000 credits have no price")
        == "Cost: unpriced (1,000 credits have no price)."
    )


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        ("1234.5", "USD", "$1,234.50"),
        ("0.125", "USD per run", "$0.1250 per run"),
        ("1234.5", "credits", "1,234 credits"),
        ("0.4", "runs", "<1 runs"),
        ("7", "", "7"),
    ],
)
def test_an_amount_has_its_unit(amount: str, unit: str, text: str) -> None:
    assert amount_in(Decimal(amount), unit) == text
