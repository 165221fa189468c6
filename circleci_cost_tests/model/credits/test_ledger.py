"""The ledger against a slow, obvious oracle: a day at a time, a lot at a time, in Python's decimals."""

import os
import time
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circleci_cost.model.credits.ledger import LEDGER_SCHEMA, UNCOVERED, USAGE_SCHEMA, credit_ledger
from circleci_cost.model.credits.purchases import LOTS_SCHEMA

START = date(2026, 1, 1)


class Lot(NamedTuple):
    begins: int
    lasts: int
    credits: Decimal
    usd: Decimal = Decimal(0)


def day(position: int) -> date:
    return START + timedelta(days=position)


def frame_of(lots: Sequence[Lot], center: str = "acme") -> pl.DataFrame:
    """In the order in which they are used: the oldest first, then those that expire first."""
    ordered = sorted(enumerate(lots), key=lambda pair: (pair[1].begins, pair[1].lasts))
    rows = [
        (
            center,
            f"{center}/{number}",
            "purchase",
            day(lot.begins),
            day(lot.begins + lot.lasts),
            lot.credits,
            lot.usd,
            None,
        )
        for number, lot in ordered
    ]
    return pl.DataFrame(rows, LOTS_SCHEMA, orient="row")


def usage_of(amounts: Sequence[Decimal], center: str = "acme") -> pl.DataFrame:
    rows = [(center, day(position), amount) for position, amount in enumerate(amounts)]
    return pl.DataFrame(rows, USAGE_SCHEMA, orient="row")


def oracle(
    lots: pl.DataFrame, amounts: Sequence[Decimal], through: date
) -> tuple[dict[tuple[str, date], Decimal], ...]:
    """What each lot paid, what of it expired, and what was left of it, by day; the uncovered rest under ''."""
    rows = lots.rows(named=True)
    left = {row["lot"]: row["credits"] for row in rows}
    used, expired, remaining = {}, {}, {}
    first = min([START, through, *(row["date"] for row in rows)])
    for offset in range((through - first).days + 1):
        today = first + timedelta(days=offset)
        position = (today - START).days
        demand = amounts[position] if 0 <= position < len(amounts) else Decimal(0)
        for row in rows:
            lot = row["lot"]
            if row["date"] <= today <= row["expires"]:
                paid = min(left[lot], max(demand, Decimal(0)))
                left[lot] -= paid
                demand -= paid
                used[lot, today] = paid
                expired[lot, today] = left[lot] if today == row["expires"] else Decimal(0)
                left[lot] -= expired[lot, today]
                remaining[lot, today] = left[lot]
        used["", today] = demand
    return used, expired, remaining


def by_day(ledger: pl.DataFrame, column: str) -> dict[tuple[str, date], Decimal]:
    lot = pl.when(pl.col("kind") == UNCOVERED).then(pl.lit("")).otherwise("lot")
    return {(name, on): amount for name, on, amount in ledger.select(lot, "date", column).iter_rows() if amount}


def without_zeros(amounts: dict[tuple[str, date], Decimal]) -> dict[tuple[str, date], Decimal]:
    return {key: amount for key, amount in amounts.items() if amount}


_CREDITS = st.decimals(min_value=Decimal("0.000001"), max_value=40, places=6) | st.sampled_from(
    [Decimal(10), Decimal("999999999999.999999")]
)
_LOTS = st.lists(
    st.builds(
        Lot,
        begins=st.integers(-5, 14),
        lasts=st.integers(0, 12),
        credits=_CREDITS,
        usd=st.decimals(min_value=0, max_value=100, places=6),
    ),
    min_size=1,
    max_size=6,
)
_USAGE = st.lists(st.decimals(min_value=-3, max_value=15, places=6) | st.just(Decimal(0)), max_size=15)


@settings(max_examples=3000 if os.environ.get("CIRCLECI_COST_LONG") == "1" else 50, deadline=None)
@given(lots=_LOTS, amounts=_USAGE, days=st.integers(-6, 18))
def test_every_day_of_every_lot_is_exactly_what_a_walk_over_the_days_gives(
    lots: list[Lot], amounts: list[Decimal], days: int
) -> None:
    frame, usage, through = frame_of(lots), usage_of(amounts), day(days)
    # Lots of the future are left out, as `credit_lots` does.
    frame = frame.filter(pl.col("date") <= through)
    ledger = credit_ledger(frame, usage, through)
    assert ledger.schema == LEDGER_SCHEMA
    assert ledger.equals(credit_ledger(frame, usage, through))
    if frame.is_empty():
        assert ledger.is_empty()
        return
    used, expired, remaining = oracle(frame, amounts, through)
    assert by_day(ledger, "used_credits") == without_zeros(used)
    assert by_day(ledger, "expired_credits") == without_zeros(expired)
    assert by_day(ledger, "left_credits") == without_zeros(remaining)
    own = ledger.filter(pl.col("kind") != UNCOVERED)
    for unit in ("credits", "usd"):
        assert own.select(pl.min_horizontal(f"used_{unit}", f"expired_{unit}", f"left_{unit}").min()).item() >= 0
        sums = own.group_by("lot").agg(
            bought=pl.col(f"bought_{unit}").first(),
            parts=pl.col(f"used_{unit}").sum() + pl.col(f"expired_{unit}").sum() + pl.col(f"left_{unit}").last(),
        )
        assert sums.filter(pl.col("bought") != pl.col("parts")).is_empty()
        assert sums.height == frame.height
    known = usage.filter(pl.col("date") <= through)
    assert ledger["used_credits"].sum() == known["credits"].sum()


def test_credits_before_the_first_lot_and_beyond_all_are_uncovered_and_stay_in_the_sums() -> None:
    ledger = credit_ledger(frame_of([Lot(1, 9, Decimal(5))]), usage_of([Decimal(3)] * 4), day(3))
    assert ledger.select("kind", "date", "used_credits", "left_credits").rows() == [
        ("purchase", day(1), Decimal(3), Decimal(2)),
        ("purchase", day(2), Decimal(2), Decimal(0)),
        (UNCOVERED, day(0), Decimal(3), None),
        (UNCOVERED, day(2), Decimal(1), None),
        (UNCOVERED, day(3), Decimal(3), None),
    ]


def test_of_two_lots_of_a_day_the_one_that_expires_first_is_used_first_and_its_rest_expires_at_its_end() -> None:
    lots = frame_of([Lot(0, 9, Decimal(8)), Lot(0, 1, Decimal(9))])
    ledger = credit_ledger(lots, usage_of([Decimal(2)] * 3), day(2))
    assert ledger.select("lot", "date", "used_credits", "expired_credits", "left_credits").rows() == [
        ("acme/1", day(0), Decimal(2), Decimal(0), Decimal(7)),
        ("acme/1", day(1), Decimal(2), Decimal(5), Decimal(0)),
        ("acme/0", day(0), Decimal(0), Decimal(0), Decimal(8)),
        ("acme/0", day(1), Decimal(0), Decimal(0), Decimal(8)),
        ("acme/0", day(2), Decimal(2), Decimal(0), Decimal(6)),
    ]


def test_a_price_that_does_not_divide_is_spread_in_millionths_that_add_up() -> None:
    ledger = credit_ledger(frame_of([Lot(0, 9, Decimal(3), Decimal(1))]), usage_of([Decimal(1)] * 3), day(2))
    assert ledger["used_usd"].to_list() == [Decimal("0.333333"), Decimal("0.333333"), Decimal("0.333334")]


def test_cost_centers_keep_their_credits_apart() -> None:
    lots = pl.concat([frame_of([Lot(0, 9, Decimal(5))], name) for name in ("acme", "globex")])
    usage = pl.concat(
        [usage_of([Decimal(7)], "globex"), usage_of([Decimal(1)], "acme"), usage_of([Decimal(1)], "none")]
    )
    ledger = credit_ledger(lots, usage, day(0))
    assert ledger.select("lot", "used_credits").rows() == [
        ("acme/0", Decimal(1)),
        ("globex/0", Decimal(5)),
        ("globex/uncovered", Decimal(2)),
    ]


@pytest.mark.parametrize("amount", [Decimal(10) ** 12, Decimal(10) ** 19])
def test_sums_beyond_64_bits_stay_exact(amount: Decimal) -> None:
    lots = frame_of([Lot(0, 30, Decimal("999999999999.999999"), Decimal("0.000001"))] * 11)
    ledger = credit_ledger(lots, usage_of([amount] * 20), day(19))
    assert ledger["used_credits"].sum() == amount * 20
    assert ledger.filter(pl.col("kind") != UNCOVERED)["used_credits"].sum() == 11 * Decimal("999999999999.999999")


def test_a_thousand_lots_over_395_days_take_less_than_two_seconds() -> None:
    lots = frame_of([Lot(number % 395, 365, Decimal(1_000_000), Decimal(600)) for number in range(1000)])
    usage = usage_of([Decimal("1234567.890123")] * 395)
    started = time.process_time()
    ledger = credit_ledger(lots, usage, day(394))
    assert time.process_time() - started < 2
    assert ledger["used_credits"].sum() == usage["credits"].sum()
