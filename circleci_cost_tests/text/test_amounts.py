"""A small amount is never shown to people as zero; amounts for programs keep every digit."""

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circleci_cost.text.amounts import (
    change_text,
    cost_text,
    credits_text,
    dollars,
    exact_dollars,
    exact_number,
    in_unit,
    mean_count,
    mean_price,
    percent,
    price,
    signed,
    signed_percent,
    whole_number,
)

_AMOUNTS = st.decimals(min_value=-(10**21), max_value=10**21, places=16)
_SMALL = st.decimals(min_value=-1, max_value=1, places=16)
_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_FORMS = (dollars, signed, exact_dollars, exact_number, whole_number, percent, signed_percent)


def _reads_as_zero(text: str) -> bool:
    return "<" not in text and not re.search(r"[1-9]", text)


@given(_SMALL | _AMOUNTS)
def test_only_zero_reads_as_zero(amount: Decimal) -> None:
    for form in _FORMS:
        assert _reads_as_zero(form(amount)) == (amount == 0), form


@given(_SMALL | _AMOUNTS)
def test_figures_for_people_are_grouped_have_no_exponent_and_one_sign(amount: Decimal) -> None:
    for form in _FORMS:
        text = form(amount)
        assert re.fullmatch(r"[+-]?[<>]?\$?[0-9]{1,3}(,[0-9]{3})*(\.[0-9]+)?( %)?", text), (form, text)
        assert ("-" in text) == (amount < 0), (form, text)


@given(_SMALL | _AMOUNTS)
def test_programs_get_all_digits_without_exponent_or_separators(amount: Decimal) -> None:
    for form in (cost_text, credits_text):
        text = form(amount)
        assert text is not None
        assert _PLAIN.fullmatch(text)
        assert Decimal(text) == amount
        assert not (amount == 0 and text.startswith("-"))


@given(st.decimals(min_value=0, max_value=1, places=9))
def test_only_the_whole_is_a_hundred_percent(share: Decimal) -> None:
    for decimals in (0, 1):
        assert (percent(share, decimals) in {"100 %", "100.0 %"}) == (share == 1)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (dollars(None), "unpriced"),
        (dollars(Decimal("1234.5")), "$1,234.50"),
        (dollars(Decimal("0E-16")), "$0.00"),
        (dollars(Decimal("-0.00")), "$0.00"),
        (dollars(Decimal("0.0049")), "<$0.01"),
        (dollars(Decimal("-0.001")), "-<$0.01"),
        (dollars(Decimal("-5")), "-$5.00"),
        (signed(Decimal("0.0125")), "+$0.0125"),
        (signed(Decimal("-0.00001")), "-<$0.0001"),
        (signed(Decimal("0E-16")), "$0.00"),
        (exact_dollars(Decimal("-17444.61355")), "-$17,444.613550"),
        (exact_number(Decimal("-1234.50")), "-1,234.5"),
        (exact_number(Decimal("0E-6")), "0"),
        (whole_number(Decimal("0.4")), "<1"),
        (in_unit(Decimal("2060446"), "credits", "cr"), "2,060,446 cr"),
        (price(Decimal("1E-7")), "$0.0000001"),
        (mean_price(0.0005999999999), "$0.0006"),
        (mean_price(1e-10), "$0.0000000001"),
        (mean_count(0.04), "<0.1"),
        (mean_count(54.5), "54.5"),
        (percent(Decimal("0.125"), 1, trimmed=True), "12.5 %"),
        (percent(Decimal("0.8"), 1, trimmed=True), "80 %"),
        (percent(Decimal("0.0001"), 1, trimmed=True), "<0.1 %"),
        (percent(Decimal("0.9999"), 1), ">99.9 %"),
        (percent(0.004), "<1 %"),
        (percent(Decimal("12.5")), "1,250 %"),
        (signed_percent(Decimal("-0.001")), "-<1 %"),
        (change_text(Decimal(100), Decimal(5)), "+$5.00 (+5.0 %)"),
        (change_text(Decimal(0), Decimal(5)), "+$5.00"),
        (credits_text(Decimal("0E-16")), "0"),
        (cost_text(Decimal("0E-16")), "0.000000"),
        (cost_text(Decimal("-0")), "0.000000"),
    ],
)
def test_each_kind_of_amount_has_one_form(actual: str, expected: str) -> None:
    assert actual == expected
