"""What is to come of the credits: run-out, builds that stop, credits that expire unused, a top-up."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

from circleci_cost.model.credits.definition import AllocationSchedule, Plan, Purchase
from circleci_cost.model.credits.expected_usage import EXPECTED_SCHEMA, HORIZON_DAYS, expected_usage
from circleci_cost.model.credits.ledger import USAGE_SCHEMA, credit_ledger
from circleci_cost.model.credits.outlook import credit_outlook
from circleci_cost.model.credits.purchases import CenterCredits, credit_lots
from circleci_cost.model.forecast.forecasting import ForecastSettings

THROUGH = date(2026, 6, 30)
TENTHS = (Decimal("0.9"), Decimal(1), Decimal("1.1"))


def looked_ahead(
    center: CenterCredits, used: Sequence[Decimal], per_day: int | None
) -> tuple[dict[str, Any], pl.DataFrame]:
    """The state of credits after these days of usage, which end on `THROUGH`, and the course of the year after them."""
    first = THROUGH - timedelta(days=len(used) - 1)
    rows = [("acme", first + timedelta(days=position), amount) for position, amount in enumerate(used)]
    usage = pl.DataFrame(rows, USAGE_SCHEMA, orient="row")
    days = [THROUGH + timedelta(days=position + 1) for position in range(HORIZON_DAYS)] if per_day else []
    expected = pl.DataFrame(
        [("acme", day, *(per_day * share for share in TENTHS)) for day in days if per_day],
        EXPECTED_SCHEMA,
        orient="row",
    )
    lots = credit_lots([center], THROUGH + timedelta(days=HORIZON_DAYS))
    ledger = credit_ledger(lots.filter(pl.col("date") <= THROUGH), usage, THROUGH)
    state, course = credit_outlook([center], lots, ledger=ledger, usage=usage, expected=expected, through=THROUGH)
    return state.row(0, named=True), course


def bought(day: date, credits: int, usd: int = 0, **more: Any) -> Purchase:
    return Purchase(date=day, credits=Decimal(credits), usd=Decimal(usd), **more)


def test_credits_run_out_within_a_range_and_a_top_up_lasts_for_a_billing_cycle() -> None:
    center = CenterCredits("acme", [bought(date(2026, 6, 1), 1_200_000, 600)])
    state, course = looked_ahead(center, [Decimal(100_000)] * 2, 100_000)
    assert (state["balance_credits"], state["balance_usd"]) == (1_000_000, 500)
    assert state["price_per_credit"] == Decimal("0.0005")
    # 1,000,000 credits last for 10 days of 100,000, for 9.1 of 110,000, for 11.1 of 90,000.
    assert state["runs_out_on"] == date(2026, 7, 11)
    assert (state["runs_out_earliest"], state["runs_out_latest"]) == (date(2026, 7, 10), date(2026, 7, 12))
    assert (state["stop_days"], state["stops_until"]) == (HORIZON_DAYS - 10, None)
    # 30 days of 110,000 from 10 July on, of which the last of the credits pay for 10,000; in packages of 25,000.
    assert (state["top_up_credits"], state["top_up_until"]) == (3_300_000, date(2026, 8, 8))
    assert state["top_up_usd"] == 1650
    assert course["balance_median"][8:11].to_list() == [100_000, 0, 0]
    assert course["uncovered_credits"][9:11].to_list() == [0, 100_000]
    assert course["balance_low"][8] == 10_000
    assert state["expiring_usd"] == 0


def test_a_schedule_of_tranches_stops_builds_from_the_day_they_are_used_up_to_the_next_date() -> None:
    schedule = AllocationSchedule(
        first=date(2026, 1, 1), every_months=6, count=3, credits=Decimal(1_000_000), usd=Decimal(500)
    )
    state, course = looked_ahead(
        CenterCredits("acme", plan=Plan(allocations=(schedule,))), [Decimal(1_000_000)], 10_000
    )
    # The 1,000,000 of 1 July last for 100 days: to 8 October.
    assert (state["runs_out_on"], state["stops_until"]) == (date(2026, 10, 9), date(2026, 12, 31))
    stopped = course.filter(pl.col("uncovered_credits") > 0)["date"]
    assert (stopped.min(), stopped.filter(stopped < date(2027, 1, 1)).max()) == (date(2026, 10, 9), date(2026, 12, 31))
    assert state["top_up_until"] == date(2026, 12, 31)
    # High usage of 11,000 a day runs out on 29 September, and 93 days from then on need 1,023,000 minus 10,000.
    assert (state["runs_out_earliest"], state["top_up_credits"]) == (date(2026, 9, 29), 1_025_000)


def test_credits_that_expire_unused_are_named_with_their_price() -> None:
    center = CenterCredits("acme", [bought(date(2026, 1, 1), 100_000, 60, expires=date(2026, 7, 3))])
    state, course = looked_ahead(center, [Decimal(0)], 10_000)
    assert (state["expiring_credits"], state["expiring_usd"]) == (70_000, 42)
    assert state["expires_next"] == date(2026, 7, 3)
    assert course.filter(pl.col("expired_credits") > 0).select("date", "expired_usd").rows() == [
        (date(2026, 7, 3), Decimal(42))
    ]
    assert (state["runs_out_on"], state["runs_out_earliest"]) == (date(2026, 7, 4), date(2026, 7, 4))


def test_with_automatic_refills_no_build_stops_and_the_next_refill_has_its_day_and_size() -> None:
    plan = Plan(auto_refill=True, share=Decimal("0.25"), threshold=Decimal("0.1"))
    center = CenterCredits("acme", [bought(date(2026, 6, 1), 1_000_000, 600)], plan)
    state, _ = looked_ahead(center, [Decimal(500_000)], 100_000)
    assert (state["refill_on"], state["refill_credits"]) == (date(2026, 7, 4), 250_000)
    assert (state["runs_out_on"], state["stop_days"]) == (date(2026, 7, 6), 0)
    small = CenterCredits("acme", [bought(date(2026, 6, 1), 50_000, 30)], plan)
    assert looked_ahead(small, [Decimal(0)], 1000)[0]["refill_credits"] == 25_000


def test_the_end_of_a_billing_cycle_alone_buys_no_refill() -> None:
    allowances = [{"credits": 30_000, "from": date(2026, 1, 1)}]
    plan = Plan.model_validate({"auto_refill": True, "credits": 100_000, "allowances": allowances})
    center = CenterCredits("acme", [], plan)
    assert looked_ahead(center, [Decimal(500)] * 30, 500)[0]["refill_on"] is None
    # 1,500 a day leave nothing of them at the end of the 20th.
    assert looked_ahead(center, [Decimal(1500)] * 30, 1500)[0]["refill_on"] == date(2026, 7, 20)


def test_usage_before_the_first_lot_is_told_apart_from_usage_beyond_all() -> None:
    center = CenterCredits("acme", [bought(date(2026, 6, 29), 5)])
    state, _ = looked_ahead(center, [Decimal(7), Decimal(2), Decimal(9)], 1)
    assert (state["uncovered_before_credits"], state["uncovered_credits"]) == (7, 6)
    assert (state["balance_credits"], state["price_per_credit"]) == (0, None)


def test_free_credits_have_a_price_of_zero_and_a_top_up_of_none() -> None:
    center = CenterCredits(
        "acme", [Purchase(date=date(2026, 6, 20), credits=Decimal(30_000), kind="bonus")], Plan(billing_day=15)
    )
    state, _ = looked_ahead(center, [Decimal(0)], 1000)
    assert (state["price_per_credit"], state["top_up_usd"]) == (0, None)


def test_a_cost_center_whose_first_lot_comes_after_the_year_has_no_state() -> None:
    center = CenterCredits("acme", [bought(date(2028, 1, 1), 5)])
    lots = credit_lots([center], THROUGH + timedelta(days=HORIZON_DAYS))
    nothing = pl.DataFrame(schema=USAGE_SCHEMA)
    ledger = credit_ledger(lots, nothing, THROUGH)
    expected = pl.DataFrame(schema=EXPECTED_SCHEMA)
    state, course = credit_outlook([center], lots, ledger=ledger, usage=nothing, expected=expected, through=THROUGH)
    assert (state.height, course.height) == (0, 0)


def test_without_expected_usage_nothing_is_said_to_run_out() -> None:
    state, course = looked_ahead(CenterCredits("acme", [bought(date(2026, 6, 1), 5)]), [Decimal(1)], None)
    assert (state["balance_credits"], state["runs_out_on"], state["top_up_credits"]) == (4, None, None)
    assert course.is_empty()


def test_expected_usage_reaches_a_year_ahead_and_its_range_widens() -> None:
    rng = np.random.default_rng(5)
    days = pl.date_range(date(2026, 1, 1), THROUGH, eager=True)
    weekday = days.dt.weekday().to_numpy() < 6
    rows = pl.DataFrame(
        {"series": "acme", "date": days, "cost": (weekday * 900 + 100) * rng.lognormal(0, 0.1, len(days))}
    )
    expected = expected_usage(rows, THROUGH, ForecastSettings(method="mean"))
    assert expected.height == HORIZON_DAYS
    sums = expected.select(pl.col("low", "median", "high").cum_sum().cast(pl.Float64)).to_dict(as_series=False)
    low, median, high = (sums[name] for name in ("low", "median", "high"))
    assert median[-1] == pytest.approx(365 / 7 * 5200, rel=0.1)
    assert all(one <= two <= three for one, two, three in zip(low, median, high, strict=True))
    assert (high[-1] - low[-1]) / median[-1] > (high[20] - low[20]) / median[20]
    assert expected_usage(rows.head(0), THROUGH, ForecastSettings()).schema == EXPECTED_SCHEMA
