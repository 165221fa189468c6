"""Price periods: who pays how much per credit on which day, as exactly one rate a day.

`warehouse/costs/daily_costs.sql` applies the rates to credits; `settings` reads the periods.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from circleci_cost.day_ranges import DayRange

PRICE = pl.Decimal(18, 10)
RATES_SCHEMA: dict[str, pl.DataType] = {
    "cost_center": pl.String(),
    "date": pl.Date(),
    "price_per_credit": PRICE,
}
PERIODS_SCHEMA: dict[str, pl.DataType] = {
    "cost_center": pl.String(),
    "price_per_credit": PRICE,
    "effective_from": pl.Date(),
    "effective_until": pl.Date(),
}
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class PricePeriod:
    """One price from one day to another, both included; without an end it is ongoing."""

    cost_center: str
    effective_from: date
    effective_until: date | None
    price_per_credit: Decimal

    def days(self) -> str:
        """The days as text, such as `2026-01-01 – ongoing`."""
        return f"{self.effective_from} – {self.effective_until or 'ongoing'}"


def overlaps(periods: Sequence[PricePeriod]) -> list[tuple[PricePeriod, PricePeriod, DayRange]]:
    """The pairs of periods of one cost center that price the same days, with those days.

    Two ongoing prices always overlap. An ongoing price has no end, so the overlap is named up to the other period's
    end; where both are ongoing, only the day on which the later one begins.
    """
    ordered = sorted(periods, key=lambda period: period.effective_from)
    pairs = []
    for index, earlier in enumerate(ordered):
        for later in ordered[index + 1 :]:
            ends = [end for end in (earlier.effective_until, later.effective_until) if end is not None]
            last = min(ends) if ends else later.effective_from
            if last >= later.effective_from and (earlier.effective_until or last) >= later.effective_from:
                pairs.append((earlier, later, DayRange(later.effective_from, last)))
    return pairs


def daily_rates(periods: Sequence[PricePeriod], first: date, last: date) -> pl.DataFrame:
    """Spread periods to one rate per day.

    Out: `RATES_SCHEMA` [cost center × date], one row for each priced day from `first` to `last`, ordered; a
    day in a gap has no row. Raises `ValueError` where two periods price one day (`settings` refuses such periods).
    """
    if not periods:
        return pl.DataFrame(schema=RATES_SCHEMA)
    frame = pl.DataFrame(
        {
            "cost_center": [period.cost_center for period in periods],
            "price_per_credit": [period.price_per_credit for period in periods],
            "from": [max(period.effective_from, first) for period in periods],
            "until": [min(period.effective_until or last, last) for period in periods],
        },
        schema={"cost_center": pl.String, "price_per_credit": PRICE, "from": pl.Date, "until": pl.Date},
    ).filter(pl.col("from") <= pl.col("until"))
    rates = (
        frame.with_columns(date=pl.date_ranges("from", "until"))
        .explode("date")
        .select(RATES_SCHEMA.keys())
        .sort("cost_center", "date")
    )
    twice = rates.filter(pl.struct("cost_center", "date").is_duplicated())
    if twice.height:
        raise ValueError(f"{twice.row(0)} is priced twice")
    return rates


def periods_frame(periods: Iterable[PricePeriod]) -> pl.DataFrame:
    """The periods as a table [cost center × period], ordered."""
    rows = [
        {
            "cost_center": period.cost_center,
            "price_per_credit": period.price_per_credit,
            "effective_from": period.effective_from,
            "effective_until": period.effective_until,
        }
        for period in sorted(periods, key=lambda period: (period.cost_center, period.effective_from))
    ]
    return pl.DataFrame(rows, schema=PERIODS_SCHEMA)


def content_hash(periods: Iterable[PricePeriod]) -> str:
    """A hash of the periods that ignores their order, spelling (0.0006 = 0.00060) and comments."""
    canonical = sorted(
        [
            period.cost_center,
            period.effective_from.isoformat(),
            period.effective_until.isoformat() if period.effective_until else "",
            format(period.price_per_credit.normalize(), "f"),
        ]
        for period in periods
    )
    return hashlib.sha256(json.dumps(canonical).encode()).hexdigest()[:16]
