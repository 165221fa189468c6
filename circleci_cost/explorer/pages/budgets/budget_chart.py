"""The chart of a budget's period: spent so far, the budget, and where the forecast ends."""

import polars as pl

from circleci_cost.explorer.charts import Axis, Band, Chart, Kind, Mark, Role, Series
from circleci_cost.explorer.rendering import day_text
from circleci_cost.explorer.time_axis import period_of
from circleci_cost.model.budgets.text import Row, used
from circleci_cost.text.amounts import in_unit, percent


def budget_chart(row: Row, course: pl.DataFrame) -> Chart:
    """The chart of one row of `budget_status` with its course."""
    days = course.get_column("date").to_list()
    columns = {name: course.get_column(name).to_list() for name in course.columns if name != "date"}
    overrun = row["overrun_date"]
    expected = [] if row["forecast_median"] is None else [Series("forecast", columns["forecast_median"], Role.FORECAST)]
    return Chart(
        id="course",
        sentence=sentence(row),
        kind=Kind.LINES,
        periods=[period_of(day) for day in days],
        series=[
            Series("spent", columns["cumulated"], Role.ACTUAL, color=0),
            Series("budget", [row["amount"]] * len(days), Role.BUDGET),
            Series("even share of the budget", columns["prorated_budget"], Role.PREVIOUS),
            *expected,
        ],
        bands=[Band("80 % range", columns["forecast_p10"], columns["forecast_p90"])] if expected else [],
        axes=[Axis("USD", 2) if row["unit"] == "USD" else Axis("credits", 0)],
        marks=[Mark(days.index(overrun), "over the budget")] if overrun in days else [],
    )


def sentence(row: Row) -> str:
    """What the chart shows, in words."""
    unit = row["unit"]
    amounts = f"{in_unit(row['actual'], unit)} of the {in_unit(row['amount'], unit)} for {row['period']}"
    if row["period_end"] <= row["data_through"]:
        return f"{amounts} were spent ({percent(used(row))}){_passed(row)}."
    so_far = f"{amounts} have been spent ({percent(used(row))}), with {percent(row['period_gone'])} of the days gone"
    if row["forecast_median"] is None:
        return f"{so_far}{_passed(row)}."
    return f"{so_far}. The forecast for the end is {in_unit(row['forecast_median'], unit)}{_passed(row)}."


def _passed(row: Row) -> str:
    day = row["overrun_date"]
    if day is None:
        return ""
    if day <= row["data_through"]:
        return f"; the budget was passed on {day_text(day)}"
    return f", and passes the budget on {day_text(day)}"
