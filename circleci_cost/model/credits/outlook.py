"""What is to come of the credits: when they run out, which expire unused, what would have to be bought.

The past is the job of `ledger`; expected usage comes from `expected_usage`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from circleci_cost.model.credits.consumption import Amounts, consume
from circleci_cost.model.credits.definition import PACKAGE, Plan
from circleci_cost.model.credits.expected_usage import HORIZON_DAYS, SCENARIOS
from circleci_cost.model.credits.ledger import UNCOVERED, millionths, positions
from circleci_cost.model.credits.purchases import CenterCredits
from circleci_cost.text.amounts import WIDE

_AMOUNT = pl.Decimal(38, 6)
# The days to come. Balances are those at the end of a day; `balance_low` is that of high usage.
COURSE_SCHEMA = pl.Schema(
    {
        "cost_center": pl.String(),
        "date": pl.Date(),
        **{f"used_{name}": _AMOUNT for name in SCENARIOS},
        **{f"balance_{name}": _AMOUNT for name in SCENARIOS},
        "uncovered_credits": _AMOUNT,
        "expired_credits": _AMOUNT,
        "expired_usd": _AMOUNT,
    }
)
OUTLOOK_SCHEMA = pl.Schema(
    {
        "cost_center": pl.String(),
        "data_through": pl.Date(),
        "horizon": pl.Date(),
        "balance_credits": _AMOUNT,
        "balance_usd": _AMOUNT,
        "price_per_credit": pl.Decimal(18, 10),
        "credits_per_day": _AMOUNT,
        "runs_out_on": pl.Date(),
        "runs_out_earliest": pl.Date(),
        "runs_out_latest": pl.Date(),
        "auto_refill": pl.Boolean(),
        "refill_on": pl.Date(),
        "refill_credits": _AMOUNT,
        "stop_days": pl.Int32(),
        "stops_until": pl.Date(),
        "expiring_credits": _AMOUNT,
        "expiring_usd": _AMOUNT,
        "expires_next": pl.Date(),
        "top_up_credits": _AMOUNT,
        "top_up_usd": _AMOUNT,
        "top_up_until": pl.Date(),
        "uncovered_credits": _AMOUNT,
        "uncovered_before_credits": _AMOUNT,
    }
)
# Where no further lot is known, a top-up lasts for a billing cycle. The mean usage is that of as many days.
_BRIDGED_DAYS = 30
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class _Course:
    """What becomes of the balance with one course of usage: by day to come, the first one after the known days."""

    used: Amounts
    balance: Amounts
    uncovered: Amounts
    expired: Amounts
    expired_usd: Amounts

    @property
    def runs_out(self) -> int | None:
        """The first day whose usage no lot pays for in full."""
        days = np.flatnonzero(self.uncovered > 0)
        return int(days[0]) if len(days) else None


def credit_outlook(
    centers: Sequence[CenterCredits],
    lots: pl.DataFrame,
    *,
    ledger: pl.DataFrame,
    usage: pl.DataFrame,
    expected: pl.DataFrame,
    through: date,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The state of each cost center's credits, `OUTLOOK_SCHEMA`, and the year after `through`, `COURSE_SCHEMA`.

    In: `lots` to the end of that year; `ledger` and `usage` to `through`; `expected` as `expected_usage` gives it.
    A cost center without expected usage has a state, with nothing that runs out, and no course; one without lots by
    then has neither.
    """
    states, courses = [], []
    for center in centers:
        own = {"cost_center": center.cost_center}
        course = expected.filter(**own)
        known = lots.filter(**own)
        if known.is_empty():
            continue
        by_scenario = {
            name: _course(known, usage.filter(**own), course[name], through) for name in SCENARIOS if course.height
        }
        states.append(_state(center, known, ledger.filter(**own), by_scenario, through))
        if by_scenario:
            courses.append(_course_rows(course, by_scenario))
    return (
        pl.DataFrame(states, OUTLOOK_SCHEMA),
        pl.concat([pl.DataFrame(schema=COURSE_SCHEMA), *courses]),
    )


def _course(lots: pl.DataFrame, usage: pl.DataFrame, expected: pl.Series, through: date) -> _Course:
    known = usage.filter(pl.col("date") <= through)
    start = min(through, *lots["date"], *known["date"])
    gone = (through - start).days + 1
    days = pl.DataFrame({"date": pl.date_range(start, through, eager=True)})
    demand = days.join(known, on="date", how="left", maintain_order="left")["credits"].fill_null(Decimal(0))
    sizes, prices, ends = millionths(lots["credits"]), millionths(lots["usd"]), positions(lots["expires"], start)
    paid, uncovered = consume(positions(lots["date"], start), ends, sizes, [*millionths(demand), *millionths(expected)])
    balance = np.zeros_like(uncovered)
    expired, expired_usd = np.zeros_like(uncovered), np.zeros(len(uncovered), dtype=object)
    ending = paid.day == np.array(ends)[paid.lot]
    np.add.at(balance, paid.day[~ending], paid.left[~ending])
    for lot, day, left in zip(paid.lot[ending], paid.day[ending], paid.left[ending], strict=True):
        expired[day] += left
        # As in the ledger: the price minus what the used credits cost.
        expired_usd[day] += prices[lot] - prices[lot] * (sizes[lot] - int(left)) // sizes[lot]
    used = np.array(millionths(expected), dtype=uncovered.dtype)
    return _Course(used, balance[gone:], uncovered[gone:], expired[gone:], expired_usd[gone:])


def _state(
    center: CenterCredits, lots: pl.DataFrame, ledger: pl.DataFrame, courses: dict[str, _Course], through: date
) -> dict[str, Any]:
    now = ledger.filter(pl.col("date") == through)
    balance, worth = _sum(now["left_credits"]), _sum(now["left_usd"])
    missing = ledger.filter(kind=UNCOVERED)
    before = _sum(missing.filter(pl.col("date") < lots["date"].min())["used_credits"])
    state: dict[str, Any] = {
        "cost_center": center.cost_center,
        "data_through": through,
        "horizon": through + timedelta(days=HORIZON_DAYS),
        "balance_credits": balance,
        "balance_usd": worth,
        "price_per_credit": _rounded(WIDE.divide(worth, balance), 10) if balance else None,
        "auto_refill": center.plan.auto_refill,
        "uncovered_credits": _sum(missing["used_credits"]) - before,
        "uncovered_before_credits": before,
    }
    return state | (_to_come(center.plan, lots, courses, through) if courses else {})


def _to_come(plan: Plan, lots: pl.DataFrame, courses: dict[str, _Course], through: date) -> dict[str, Any]:
    def day(position: int | None) -> date | None:
        return None if position is None else through + timedelta(days=position + 1)

    median, high = courses["median"], courses["high"]
    stops = [] if plan.auto_refill else np.flatnonzero(median.uncovered > 0).tolist()
    expiring = np.flatnonzero(median.expired > 0).tolist()
    return {
        "credits_per_day": _rounded(_amount(median.used[:_BRIDGED_DAYS].sum()) / _BRIDGED_DAYS, 0),
        "runs_out_on": day(median.runs_out),
        "runs_out_earliest": day(high.runs_out),
        "runs_out_latest": day(courses["low"].runs_out),
        "stop_days": len(stops),
        "stops_until": day(_end_of_first_run(stops)),
        "expiring_credits": _amount(median.expired.sum()),
        "expiring_usd": _amount(median.expired_usd.sum()),
        "expires_next": day(expiring[0] if expiring else None),
        **_refill(plan, lots, median, through),
        **_top_up(lots, high, through),
    }


def _end_of_first_run(days: Sequence[int]) -> int | None:
    """The last of the days that follow each other from the first one on; None where they reach the end of the year."""
    end = next((earlier for earlier, later in pairwise(days) if later != earlier + 1), days[-1] if days else None)
    return None if end == HORIZON_DAYS - 1 else end


def _refill(plan: Plan, lots: pl.DataFrame, course: _Course, through: date) -> dict[str, Any]:
    """The first refill that is to come, if nothing is bought before it."""
    subscribed = lots.filter(pl.col("kind").is_in(["purchase", "allocation"]) & (pl.col("date") <= through))
    size = plan.credits or _last(subscribed["credits"])
    if not plan.auto_refill or size is None:
        return {}
    # What expires at the end of a day was there on it: the lot of the next day may be enough.
    low = np.flatnonzero(course.balance + course.expired <= int((size * plan.threshold).scaleb(6)))
    return {
        "refill_on": through + timedelta(days=int(low[0]) + 1) if len(low) else None,
        "refill_credits": max(PACKAGE, _rounded(size * plan.share, 6)),
    }


def _top_up(lots: pl.DataFrame, course: _Course, through: date) -> dict[str, Any]:
    """What keeps builds going with high usage from the day on which credits run out to the next lot, in packages."""
    if course.runs_out is None:
        return {}
    first = through + timedelta(days=course.runs_out + 1)
    following = lots.filter(pl.col("date") > first)["date"].min()
    last = following - _ONE_DAY if isinstance(following, date) else first + timedelta(days=_BRIDGED_DAYS - 1)
    last = min(last, through + timedelta(days=HORIZON_DAYS))
    missing = _amount(course.uncovered[course.runs_out : (last - through).days].sum())
    packages = (missing / PACKAGE).to_integral_value(ROUND_CEILING)
    paid = lots.filter((pl.col("kind") != "bonus") & (pl.col("date") <= through))
    usd, credits = _last(paid["usd"]), _last(paid["credits"])
    price = WIDE.divide(usd, credits) if usd is not None and credits else None
    return {
        "top_up_credits": packages * PACKAGE,
        "top_up_usd": None if price is None else _rounded(packages * PACKAGE * price, 6),
        "top_up_until": last,
    }


def _course_rows(expected: pl.DataFrame, courses: dict[str, _Course]) -> pl.DataFrame:
    median = courses["median"]
    amounts = {
        **{f"balance_{name}": courses[_MIRRORED[name]].balance for name in SCENARIOS},
        "uncovered_credits": median.uncovered,
        "expired_credits": median.expired,
        "expired_usd": median.expired_usd,
    }
    return expected.select(
        "cost_center",
        "date",
        *(pl.col(name).alias(f"used_{name}") for name in SCENARIOS),
        *(pl.Series(name, [_amount(value) for value in values], _AMOUNT) for name, values in amounts.items()),
    ).cast(COURSE_SCHEMA)


_MIRRORED = {"low": "high", "median": "median", "high": "low"}


def _amount(millionths: int) -> Decimal:
    return Decimal(int(millionths)).scaleb(-6)


def _sum(amounts: pl.Series) -> Decimal:
    return sum(amounts.drop_nulls(), Decimal(0))


def _last(amounts: pl.Series) -> Decimal | None:
    return amounts.to_list()[-1] if len(amounts) else None


def _rounded(amount: Decimal, decimals: int) -> Decimal:
    return WIDE.quantize(amount, Decimal(1).scaleb(-decimals))
