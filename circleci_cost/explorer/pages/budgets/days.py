"""The table of the days of a budget's period: what was spent, and after today what is expected."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import polars as pl

from circleci_cost.model.budgets.text import Row
from circleci_cost.text.amounts import in_unit


@dataclass(frozen=True)
class Day:
    """A day; amounts are sums since the period began, `spent` aside. Empty where there is none."""

    date: date
    spent: str
    exact_spent: Decimal | None
    cumulated: str
    exact_cumulated: Decimal | None
    prorated: str
    expected: str
    expected_range: str


def days_of(row: Row, course: pl.DataFrame) -> Sequence[Day]:
    """The days of a course, in order; the forecast on the last known day is what was spent, and left out."""
    unit = row["unit"]

    def text(amount: Decimal | None) -> str:
        return "" if amount is None else in_unit(amount, unit, "cr")

    days = []
    for day in course.to_dicts():
        to_come = day["cumulated"] is None
        low, high = (text(day[name]) if to_come else "" for name in ("forecast_p10", "forecast_p90"))
        days.append(
            Day(
                date=day["date"],
                spent=text(day["spent"]),
                exact_spent=day["spent"],
                cumulated=text(day["cumulated"]),
                exact_cumulated=day["cumulated"],
                prorated=text(day["prorated_budget"]),
                expected=text(day["forecast_median"]) if to_come else "",
                expected_range=f"{low} – {high}" if low else "",
            )
        )
    return days
