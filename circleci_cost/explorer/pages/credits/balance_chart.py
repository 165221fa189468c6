"""The chart of a balance: what was left at the end of each day, and what will be, with its range."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl

from circleci_cost.explorer.charts import Axis, Band, Chart, Kind, Mark, Role, Series
from circleci_cost.explorer.time_axis import period_of
from circleci_cost.model.credits.findings import say_run_out
from circleci_cost.text.sentences import sentence_case

# What is shown beyond the day on which the credits may run out at the latest.
_BEYOND = timedelta(days=45)


def shown_days(row: Mapping[str, Any], to_come: pl.DataFrame) -> pl.DataFrame:
    """The days to come that the chart draws."""
    end = max(day for day in (row["runs_out_latest"], row["runs_out_on"], row["data_through"]) if day) + _BEYOND
    return to_come.filter(pl.col("date") <= end)


def balance_chart(row: Mapping[str, Any], past: pl.DataFrame, shown: pl.DataFrame) -> Chart:
    """The chart of one row of `credit_outlook`; `past` as `published_course` gives it."""
    gone: list[Decimal | None] = past["balance"].to_list()
    none_yet: list[Decimal | None] = [None] * (len(gone) - 1)
    now = gone[-1:]

    def joined(name: str) -> list[Decimal | None]:
        return [*none_yet, *now, *shown[name].to_list()]

    days = [*past["date"].to_list(), *shown["date"].to_list()]
    runs_out = row["runs_out_on"]
    return Chart(
        id=f"balance-{row['cost_center']}",
        sentence=f"{sentence_case(say_run_out(row))}.",
        kind=Kind.LINES,
        periods=[period_of(day) for day in days],
        series=[
            Series("credits left", [*gone, *[None] * shown.height], Role.ACTUAL, color=0),
            Series("expected", joined("balance_median"), Role.FORECAST),
        ],
        bands=[Band("80 % range", joined("balance_low"), joined("balance_high"))],
        axes=[Axis("credits", 0)],
        marks=[Mark(days.index(runs_out), "credits run out")] if runs_out in days else [],
    )
