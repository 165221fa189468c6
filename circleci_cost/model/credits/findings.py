"""What people should know about their credits, as sentences: what is missing, what runs out, what expires.

The figures are `outlook`'s; sending messages is `notify`'s job.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from circleci_cost.day_ranges import DayRange, say_ranges
from circleci_cost.text.amounts import dollars, whole_number
from circleci_cost.text.units import counted

# A refill or a purchase order takes some weeks; monthly subscriptions are renewed within this time, too.
WARNED_DAYS = 30


def missing_purchases(outlook: pl.DataFrame) -> Iterator[str]:
    """A sentence for each cost center that used credits since its first purchase that no purchase pays for."""
    for row in outlook.filter(pl.col("uncovered_credits") > 0).iter_rows(named=True):
        yield (
            f"{row['cost_center']}: {_credits(row['uncovered_credits'])} were used that no purchase pays for; write "
            "down the purchases or refills that are missing"
        )


def unknown_days(days: Mapping[str, Sequence[DayRange]]) -> Iterator[str]:
    """A sentence for each cost center of whose usage days are missing. In: these days by cost center."""
    for name, ranges in days.items():
        yield (
            f"{name}: of {say_ranges(ranges)} no usage is known, so the balance may be too high; `circleci-cost "
            "backfill` fetches what CircleCI still has"
        )


def without_purchases(cost_centers: Sequence[str]) -> Iterator[str]:
    """A sentence about cost centers whose purchases nobody has written down, where there are such ones."""
    if cost_centers:
        yield f"No purchases of {', '.join(cost_centers)} are written down, so nothing is known of their credits"


def bought_before_history(lots: pl.DataFrame, usage: pl.DataFrame) -> Iterator[str]:
    """A sentence for each cost center with credits that were bought before the first day whose usage is known."""
    first = usage.group_by("cost_center").agg(first=pl.col("date").min())
    older = lots.join(first, on="cost_center").filter(
        (pl.col("date") < pl.col("first")) & (pl.col("expires") >= pl.col("first"))
    )
    for (name, day), rows in older.group_by("cost_center", "first", maintain_order=True):
        yield (
            f"{name}: {counted(rows.height, 'lot')} of credits bought before {day}, the first day whose usage is "
            "known, may have been used in part by then; write down only what was left of them on that day"
        )


def running_out(outlook: pl.DataFrame) -> Iterator[str]:
    """A sentence for each cost center whose credits may run out within `WARNED_DAYS`."""
    for row in outlook.iter_rows(named=True):
        earliest = row["runs_out_earliest"]
        if earliest is not None and earliest <= row["data_through"] + timedelta(days=WARNED_DAYS):
            yield f"{row['cost_center']}: {say_run_out(row)}"


def say_run_out(row: Mapping[str, Any]) -> str:
    """When the credits of a row of the outlook run out, and what happens then."""
    day, earliest, latest = (row[f"runs_out_{name}"] for name in ("on", "earliest", "latest"))
    if earliest is None:
        return f"credits last beyond {row['horizon']}"
    if earliest == latest:
        return f"credits run out on {earliest}{_then(row)}"
    when = f"about {day}" if day else f"after {row['horizon']}"
    return f"credits run out {when} (80 %: {earliest} – {latest or 'later'}){_then(row)}"


def _then(row: Mapping[str, Any]) -> str:
    if row["auto_refill"]:
        size, day = row["refill_credits"], row["refill_on"]
        what = _credits(size) if size else "more"
        return f"; {what} are bought automatically about {day}" if day else f"; then {what} are bought automatically"
    stopped: date | None = row["stops_until"]
    if stopped is None:
        return ", and builds stop"
    resumed = f", and builds stop until {stopped + timedelta(days=1)}"
    if row["stop_days"] > (stopped - row["runs_out_on"]).days + 1:
        return f"{resumed}; on {counted(row['stop_days'], 'day')} in all by {row['horizon']}"
    return resumed


def expiring(outlook: pl.DataFrame) -> Iterator[str]:
    """A sentence for each cost center with paid credits that will probably expire unused."""
    for row in outlook.filter(pl.col("expiring_usd") > 0).iter_rows(named=True):
        yield f"{row['cost_center']}: {say_expiring(row)}"


def say_expiring(row: Mapping[str, Any]) -> str:
    """What of the credits will expire unused, first on which day, in credits and in dollars."""
    return (
        f"{_credits(row['expiring_credits'])} worth {dollars(row['expiring_usd'])} will probably expire unused by "
        f"{row['horizon']}, the first on {row['expires_next']}"
    )


def top_up(row: Mapping[str, Any]) -> Iterator[str]:
    """What would have to be bought for builds to go on, even with high usage, where nothing is bought automatically."""
    if not row["top_up_credits"] or row["auto_refill"]:
        return
    cost: Decimal | None = row["top_up_usd"]
    price = "" if cost is None else f" ({dollars(cost)} at the price of the last purchase)"
    last: date = row["top_up_until"]
    yield f"a top-up of {_credits(row['top_up_credits'])}{price} would last to {last} even with high usage"


def what_to_do(row: Mapping[str, Any]) -> Iterator[str]:
    """Sentences beside the day of running out: a top-up, and what expires unused."""
    yield from top_up(row)
    if row["expiring_usd"]:
        yield say_expiring(row)


def _credits(amount: Decimal) -> str:
    return f"{whole_number(amount)} credits"
