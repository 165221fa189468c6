"""The balance at the end of each month, as the chart draws it by day: for those who do not see the chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from circleci_cost.text.amounts import whole_number


@dataclass(frozen=True)
class MonthEnd:
    """The last day of a month, or the last one known or shown; the range is empty for what has been."""

    day: date
    left: str
    range: str


def month_ends(past: pl.DataFrame, shown: pl.DataFrame) -> Sequence[MonthEnd]:
    """The month ends of a balance; `shown` are the days to come that the chart draws."""
    known = [MonthEnd(row["date"], whole_number(row["balance"]), "") for row in _last_of_months(past)]
    expected = [
        MonthEnd(
            row["date"],
            whole_number(row["balance_median"]),
            f"{whole_number(row['balance_low'])} – {whole_number(row['balance_high'])}",
        )
        for row in _last_of_months(shown)
    ]
    return [*known, *expected]


def _last_of_months(days: pl.DataFrame) -> list[dict[str, Any]]:
    return (
        days.sort("date")
        .group_by(pl.col("date").dt.truncate("1mo").alias("month"), maintain_order=True)
        .last()
        .to_dicts()
    )
