"""The sentences about credits that run out: until when builds stop, on how many days in all, what to do about it."""

from datetime import date
from decimal import Decimal
from typing import Any

from circleci_cost.model.credits.findings import say_run_out, what_to_do

STATE: dict[str, Any] = {
    "horizon": date(2027, 6, 30),
    "runs_out_on": date(2026, 7, 11),
    "runs_out_earliest": date(2026, 7, 10),
    "runs_out_latest": date(2026, 7, 12),
    "auto_refill": False,
    "refill_on": None,
    "refill_credits": None,
    "stop_days": 5,
    "stops_until": date(2026, 7, 15),
    "expiring_usd": Decimal(0),
    "top_up_credits": Decimal(50_000),
    "top_up_usd": Decimal(30),
    "top_up_until": date(2026, 7, 15),
}
RUN_OUT = "credits run out about 2026-07-11 (80 %: 2026-07-10 – 2026-07-12)"


def test_builds_stop_until_a_day_and_further_stops_are_counted() -> None:
    assert say_run_out(STATE) == f"{RUN_OUT}, and builds stop until 2026-07-16"
    again = say_run_out({**STATE, "stop_days": 40})
    assert again == f"{RUN_OUT}, and builds stop until 2026-07-16; on 40 days in all by 2027-06-30"


def test_an_automatic_refill_has_its_day_and_needs_no_top_up() -> None:
    refilled = {**STATE, "auto_refill": True, "refill_on": date(2026, 7, 9), "refill_credits": Decimal(25_000)}
    assert say_run_out(refilled) == f"{RUN_OUT}; 25,000 credits are bought automatically about 2026-07-09"
    assert list(what_to_do(refilled)) == []
    assert list(what_to_do(STATE)) == [
        "a top-up of 50,000 credits ($30.00 at the price of the last purchase) would last to 2026-07-15 even with high "
        "usage"
    ]
