"""An invoice against the computed cost: every cause by name, and parts that add up to the last digit."""

import random
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from circleci_cost.config.settings import read_settings
from circleci_cost.errors import ConfigurationError
from circleci_cost.model.credits.definition import Plan
from circleci_cost.model.credits.invoices import Invoice
from circleci_cost.model.credits.reconciliation import (
    BOUGHT_SCHEMA,
    DAYS_SCHEMA,
    RECONCILIATION_SCHEMA,
    RESTATED_SCHEMA,
    billed_periods,
    reconcile,
)

PRICE = Decimal("0.0006")
NO_RESTATEMENT = pl.DataFrame(schema=RESTATED_SCHEMA)


def known(day: date, credits: object, price: Decimal | None = PRICE, **more: object) -> dict[str, object]:
    amount = Decimal(str(credits))
    nothing = dict.fromkeys(list(DAYS_SCHEMA)[5:], Decimal(0))
    return {
        "date": day,
        "credits": amount,
        "unpriced_credits": amount if price is None else Decimal(0),
        "price_per_credit": price,
        "cost_usd": amount * (price or 0),
        **nothing,
        **{name: Decimal(str(value)) for name, value in more.items()},
    }


def october(credits: object = 1000, **more: Any) -> list[dict[str, object]]:
    return [known(date(2026, 10, number), credits, **more) for number in range(1, 32)]


def parts(
    invoices: list[dict[str, Any]],
    days: list[dict[str, object]] | pl.DataFrame,
    bought: list[tuple[date, str | None, int]] | None = None,
    restated: pl.DataFrame = NO_RESTATEMENT,
    ledger_through: date | None = None,
) -> dict[str, Decimal]:
    (billed,) = billed_periods([Invoice.model_validate({"period": "2026-10", **each}) for each in invoices], 1)
    lots = None if bought is None else pl.DataFrame(bought, BOUGHT_SCHEMA, orient="row")
    rows = reconcile(
        *("acme", billed, pl.DataFrame(days, DAYS_SCHEMA)),
        plan=Plan(),
        bought=lots,
        restated=restated,
        ledger_through=ledger_through,
    )
    assert rows.schema == RECONCILIATION_SCHEMA
    assert sum(rows["amount_usd"], Decimal(0)) == rows.item(0, "invoice_usd") == billed.amount
    return dict(rows.select("cause", "amount_usd").iter_rows())


def test_an_invoice_that_bills_the_usage_leaves_nothing_unexplained() -> None:
    assert parts([{"amount": Decimal("18.6")}], october()) == {"computed": Decimal("18.6"), "unexplained": 0}


def test_seats_storage_network_and_tax_that_are_billed_apart_are_named() -> None:
    days = october(user_cost_usd="0.1", storage_cost_usd="0.01", network_cost_usd="0.02")
    lines = {"seats": Decimal(5), "storage": Decimal(0), "network": Decimal("0.62"), "tax": Decimal(3)}
    assert parts([{"amount": Decimal(25), "lines": lines}], days) == {
        "computed": Decimal("18.6"),
        "seats": Decimal("1.9"),
        "storage": Decimal("-0.31"),
        "tax": Decimal(3),
        "unexplained": Decimal("1.81"),
    }


@pytest.mark.parametrize(
    ("plan", "bought", "note"),
    [
        ({}, False, "billed apart, against the computed cost"),
        (
            {"seats_included": 5},
            False,
            "billed apart, against the computed cost of 3.1 seats beyond the 5 included",
        ),
        (
            {"seats_included": 0, "seat_credits": Decimal(77_500)},
            True,
            "billed in dollars, beside the credits of 1 seat beyond the 0 included",
        ),
    ],
)
def test_the_part_of_seats_says_how_many_were_booked_beyond_the_included_ones(
    plan: dict[str, Any], *, bought: bool, note: str
) -> None:
    invoice = Invoice.model_validate({"period": "2026-10", "amount": Decimal(60), "lines": {"seats": Decimal(60)}})
    (billed,) = billed_periods([invoice], 1)
    days = pl.DataFrame(october(3000, user_credits=2500, user_cost_usd="1.5"), DAYS_SCHEMA)
    lots = pl.DataFrame(schema=BOUGHT_SCHEMA) if bought else None
    rows = reconcile("acme", billed, days, plan=Plan(**plan), bought=lots, restated=NO_RESTATEMENT)
    assert rows.row(by_predicate=pl.col("cause") == "seats", named=True)["note"] == note
    assert sum(rows["amount_usd"]) == 60


def test_missing_days_and_days_without_a_price_are_estimated() -> None:
    days = [known(date(2026, 10, number), 1000, None if number > 20 else PRICE) for number in range(1, 31)]
    # 20 days of $0.60, ten unpriced; the 31st at the mean of the 30.
    assert parts([{"amount": Decimal("18.6")}], days) == {
        "computed": Decimal(12),
        "price_period": Decimal(6),
        "days_missing": Decimal("0.4"),
        "unexplained": Decimal("0.2"),
    }


def test_usage_that_was_restated_after_the_invoice_is_taken_back() -> None:
    rows = [(date(2026, 10, 5), date(2026, 10, 9), 70), (date(2026, 10, 6), date(2026, 11, 3), 100)]
    restated = pl.DataFrame(rows, RESTATED_SCHEMA, orient="row")
    invoice = {"amount": Decimal("18.54"), "issued": date(2026, 11, 2)}
    assert parts([invoice], october(), restated=restated) == {
        "computed": Decimal("18.6"),
        "restated_since": Decimal("-0.06"),
        "unexplained": 0,
    }


def test_a_refill_is_billed_instead_of_usage_and_bonus_credits_are_not() -> None:
    # Of 1,000 credits a day 700 came from a lot at 0.0005, 200 were free, 100 no lot paid for.
    days = october(paid_credits=700, paid_usd="0.35", free_credits=200)
    bought = [(date(2026, 10, 5), None, 15), (date(2026, 9, 30), "INV-9", 30), (date(2026, 10, 7), "INV-8", 99)]
    assert parts([{"amount": Decimal(45)}, {"amount": Decimal(2), "number": "INV-9"}], days, bought) == {
        "computed": Decimal("18.6"),
        "refill_instead_of_usage": 45 - Decimal("10.85"),
        "bonus_credits": Decimal("-3.72"),
        "price_period": Decimal("-2.17"),
        # The overdraft of 31 × $0.06 is not on the invoice, and $2.00 more are.
        "unexplained": Decimal("0.14"),
    }


def test_usage_that_the_ledger_does_not_reach_yet_is_not_unexplained() -> None:
    """An invoice in advance, on the 20th of its period: the 21st has some usage, and no lot paid for it yet."""
    days = [known(date(2026, 10, number), 1000, paid_credits=1000, paid_usd="0.6") for number in range(1, 21)]
    days.append(known(date(2026, 10, 21), 400))
    bought: list[tuple[date, str | None, int]] = [(date(2026, 10, 1), None, 15)]
    assert parts([{"amount": Decimal(15)}], days, bought, ledger_through=date(2026, 10, 20)) == {
        "computed": Decimal("12.24"),
        "refill_instead_of_usage": Decimal(3),
        "days_missing": Decimal("-0.24"),
        "unexplained": 0,
    }


def test_the_parts_of_a_thousand_random_invoices_add_up_to_the_last_digit() -> None:
    draw = random.Random(14)

    def amount(most: int) -> Decimal:
        return Decimal(draw.randrange(most * 10**6)).scaleb(-6)

    def month() -> pl.DataFrame:
        prices = (None, PRICE, Decimal("0.0005512345"))
        names = list(DAYS_SCHEMA)[5:]
        days = [
            known(date(2026, 10, number), amount(10**7), draw.choice(prices), **{name: amount(1000) for name in names})
            for number in range(1, 32)
            if draw.random() < 0.9
        ]
        return pl.DataFrame(days, DAYS_SCHEMA)

    months = [month() for _ in range(20)]
    for number in range(1000):
        lines = {name: amount(500) for name in ("seats", "storage", "network", "tax") if draw.random() < 0.5}
        bought = [(date(2026, 10, 1 + draw.randrange(31)), draw.choice([None, "a"]), draw.randrange(999))] * 3
        restated = pl.DataFrame([(date(2026, 10, 3), date(2026, 11, 20), amount(99))], RESTATED_SCHEMA, orient="row")
        invoice = {"amount": amount(10**6), "number": draw.choice([None, "a"]), "lines": lines}
        parts(
            [invoice],
            months[number % 20],
            draw.choice([None, bought]),
            restated,
            draw.choice([None, date(2026, 10, 9)]),
        )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            'period = "October"\namount = 1\n',
            "line 6: cost_centers[0].invoices[0].period: write the month in which the billing cycle begins, such as "
            '"2026-10", or two days, "2026-10-05/2026-11-04".',
        ),
        (
            'period = "2026-10-05/2026-10-04"\namount = 1\n',
            "line 6: cost_centers[0].invoices[0].period: the last day lies before the first one; exchange them.",
        ),
        (
            'period = "2026-10"\namount = 1\n' + '[[cost_centers.invoices]]\nperiod = "2026-10"\namount = 1\n',
            "line 8: cost_centers[0].invoices[1]: this is the invoice of invoices[0] again; take one out, or correct "
            "its number.",
        ),
        (
            'period = "2026-10"\namount = 1\n'
            + '[[cost_centers.invoices]]\nperiod = "2026-10-31/2026-11-29"\namount = 2\n',
            "line 8: cost_centers[0].invoices[1]: the period 2026-10-31 to 2026-11-29 overlaps 2026-10-01 to "
            "2026-10-31 of invoices[0], so days would be billed twice; correct one of them, or write both for the "
            "whole time.",
        ),
        (
            'period = "2026-10"\namount = 1\n[cost_centers.invoices.lines]\nseat = 5\n',
            "line 9: unknown key 'cost_centers[0].invoices[0].lines.seat'; did you mean 'seats'?",
        ),
    ],
)
def test_a_mistake_in_an_invoice_is_one_sentence_with_its_line(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "circleci_cost.toml"
    file.write_text(
        'history_start = 2025-10-22\n[[cost_centers]]\nname = "acme"\n'
        f'organization_id = "b9291e0d-5f0c-4c1e-9d3b-2f6a7c8e1a04"\n[[cost_centers.invoices]]\n{text}'
    )
    with pytest.raises(ConfigurationError) as caught:
        read_settings(file)
    assert str(caught.value).removeprefix(f"{file}, ") == sentence


def test_a_billing_cycle_is_named_by_the_month_in_which_it_begins() -> None:
    invoice = Invoice(period="2026-10", amount=Decimal(1))
    assert (invoice.days(15).first, invoice.days(15).last) == (date(2026, 10, 15), date(2026, 11, 14))
    assert invoice.made_out(15) == date(2026, 11, 15)
