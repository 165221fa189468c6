from decimal import Decimal

import pytest

from circleci_cost.errors import UsageError
from circleci_cost.model.efficiency.what_if import (
    ClassMove,
    Factors,
    NewPrice,
    Spending,
    WhatIf,
    parse_what_if,
    relative_cost,
)

HALF = Factors(0.5, 0.4, 0.8)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("job=test class=medium+", ClassMove("test", "medium+")),
        ("class=large job='end to end' project=web", ClassMove("end to end", "large", "web")),
        ("price=0.0005", NewPrice(Decimal("0.0005"))),
        ("price=0 cost_center=acme", NewPrice(Decimal(0), "acme")),
    ],
)
def test_what_is_imagined_is_written_as_keys_and_values(text: str, read: WhatIf) -> None:
    assert parse_what_if(text) == read


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("job=test", "is not understood; write"),
        ("job=test clas=large", "did you mean 'class'"),
        ("job=test class=", "'class=' is not understood"),
        ("price=0.0005 price=1", "'price=1' is not understood"),
        ("price=cheap", "'cheap' is no price"),
        ("price=NaN", "'NaN' is no price"),
        ("price=0.0005 class=large", "is not understood"),
        ("job='test", "cannot be read"),
        ("", "is not understood"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        parse_what_if(text)


def test_a_price_weighs_by_what_each_cost_center_spends() -> None:
    spending = Spending(Decimal(100), {"acme": Decimal(75), "globex": Decimal(25)}, ())
    assert relative_cost(spending, {"acme": 0.8}, ()) == Factors(0.85, 0.85, 0.85)


def test_a_job_weighs_by_its_compute_cost_and_a_price_acts_on_what_is_left() -> None:
    spending = Spending(Decimal(100), {"acme": Decimal(100)}, (("acme", Decimal(20)),))
    assert relative_cost(spending, {}, (HALF,)) == Factors(0.9, 0.88, 0.96)
    assert relative_cost(spending, {"acme": 0.5}, (HALF,)) == Factors(0.45, 0.44, 0.48)


def test_a_scope_without_cost_stays_as_it_is() -> None:
    assert relative_cost(Spending(Decimal(0), {}, ()), {"acme": 0.5}, ()) == Factors(1.0, 1.0, 1.0)
