"""The state of every budget in every period: spent, forecast, probability of an overrun, and its day.

Only frames: the daily sums come from `warehouse.forecast.series`, the forecasts from `model.forecast.forecasting`.
"""

from datetime import date, timedelta
from enum import StrEnum

import polars as pl

from circleci_cost.model.budgets.amounts import AMOUNT
from circleci_cost.model.budgets.notes import notes
from circleci_cost.model.budgets.periods import PERIODS
from circleci_cost.model.budgets.series import COST, CREDITS, History
from circleci_cost.model.forecast.forecasting import probability_over

SHARE = pl.Decimal(18, 6)
_PRODUCT = pl.Decimal(38, 12)
KEY = ("budget", "period_start")
STATUS_SCHEMA: dict[str, pl.DataType] = {
    "budget": pl.String(),
    "owner": pl.String(),
    "parent": pl.String(),
    "period_kind": pl.String(),
    "period": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "unit": pl.String(),
    "amount": AMOUNT,
    "actual": COST,
    "unpriced_credits": CREDITS,
    "days": pl.Int32(),
    "days_gone": pl.Int32(),
    "period_gone": SHARE,
    "prorated_budget": AMOUNT,
    "run_rate": AMOUNT,
    "forecast_median": AMOUNT,
    "forecast_p10": AMOUNT,
    "forecast_p90": AMOUNT,
    "overrun_probability": SHARE,
    "overrun_date": pl.Date(),
    "status": pl.String(),
    "note": pl.String(),
    "data_through": pl.Date(),
}


class Status(StrEnum):
    """The state of a budget, the best first."""

    ON_TRACK = "on_track"
    AT_RISK = "at_risk"
    OVER_BUDGET = "over_budget"


def current_day(history: History) -> date:
    """The day whose period is the current one: the first day that is not known yet."""
    return history.data_through + timedelta(days=1)


def budget_status(
    amounts: pl.DataFrame, spent: pl.DataFrame, daily: pl.DataFrame, totals: pl.DataFrame, history: History
) -> pl.DataFrame:
    """Judge each period.

    In: `amounts` from `amounts.amounts`; `spent` from `warehouse.forecast.series.budget_series`; `daily`
    [budget × date] with the `median` of each day to come; `totals` [budget], the forecast of the rest of the current
    period, from `forecasting.forecast_total` (`series` being the budget). Out: `STATUS_SCHEMA` [budget × period].
    Spent figures are exact; forecasts are estimates, rounded to six decimals. A period that is over has its actual as
    forecast. Without a forecast for a current period these columns are null.

    A budget is over when more was spent than its amount; at risk while the period runs, when the median forecast
    exceeds `at_risk_forecast` × amount, or the probability of an overrun exceeds `at_risk_probability`.
    """
    days = days_of_periods(amounts, spent, history.data_through)
    sums = days.group_by(KEY).agg(
        actual=pl.col("spent").sum(),
        unpriced_credits=pl.col("unpriced_credits").sum(),
        passed_on=pl.col("date").filter(pl.col("cumulated") > pl.col("amount").cast(COST)).min(),
    )
    known = (
        amounts.join(sums, on=KEY, how="left", maintain_order="left")
        .with_columns(
            pl.col("actual", "unpriced_credits").fill_null(0),
            data_through=pl.lit(history.data_through),
            days=_days("period_start", "period_end"),
            days_gone=_days("period_start", pl.min_horizontal("period_end", pl.lit(history.data_through))),
        )
        .with_columns(
            is_over=pl.col("actual") > pl.col("amount").cast(COST),
            is_current=pl.col("period_end") > history.data_through,
        )
        .with_columns(
            period_gone=pl.col("days_gone").cast(SHARE) / pl.col("days").cast(SHARE),
            prorated_budget=pl.col("amount") * pl.col("days_gone") / pl.col("days"),
            run_rate=_run_rate(),
        )
    )
    expected = _expected(known, totals).join(_overrun_dates(known, daily), on="budget", how="left")
    judged = known.join(expected, on="budget", how="left", maintain_order="left").with_columns(*_forecasts())
    judged = judged.with_columns(
        overrun_date=pl.when("is_over").then("passed_on").when("is_current").then("expected_on"),
        status=_status(),
        note=notes(history),
    )
    return judged.select(pl.col(name).cast(dtype) for name, dtype in STATUS_SCHEMA.items())


def days_of_periods(amounts: pl.DataFrame, spent: pl.DataFrame, through: date) -> pl.DataFrame:
    """The days up to `through` of each period, with `spent` in the budget's unit and `cumulated` since it began.

    In: `amounts` [budget × period] with `unit`, `period_kind` and `amount`; `spent` as `budget_status` takes it.
    """
    each_budget = amounts.select("budget", "unit", "period_kind").unique()
    durations = {kind: described.polars_duration for kind, described in PERIODS.items()}
    return (
        spent.filter(pl.col("date") <= through)
        .join(each_budget, on="budget")
        .with_columns(
            spent=pl.when(pl.col("unit") == "USD").then("cost_usd").otherwise(pl.col("credits").cast(COST)),
            period_start=pl.col("date").dt.truncate(pl.col("period_kind").replace_strict(durations)),
        )
        .join(amounts.select(*KEY, "amount"), on=KEY)
        .sort("budget", "date")
        .with_columns(cumulated=pl.col("spent").cum_sum().over(KEY))
    )


def _days(first: str, last: str | pl.Expr) -> pl.Expr:
    end = pl.col(last) if isinstance(last, str) else last
    return ((end - pl.col(first)).dt.total_days() + 1).clip(lower_bound=0).cast(pl.Int32)


def _run_rate() -> pl.Expr:
    """The total of the period if the remaining days cost as much as the mean of those so far."""
    days_gone = pl.when(pl.col("days_gone") > 0).then("days_gone")
    return (pl.col("actual") * pl.col("days") / days_gone).cast(AMOUNT)


def _expected(known: pl.DataFrame, totals: pl.DataFrame) -> pl.DataFrame:
    """The forecast of the rest of each budget's current period, and the probability that it exceeds what is left."""
    left = known.filter("is_current").select("budget", left=(pl.col("amount").cast(COST) - pl.col("actual")))
    to_come = totals.join(left, left_on="series", right_on="budget", maintain_order="left")
    return to_come.select(
        pl.col("series").alias("budget"),
        *(pl.col(name).cast(AMOUNT).alias(f"remaining_{name}") for name in ("p10", "median", "p90")),
        probability=probability_over(to_come, to_come.get_column("left").cast(pl.Float64)),
        forecast_note="note",
    )


def _overrun_dates(known: pl.DataFrame, daily: pl.DataFrame) -> pl.DataFrame:
    """The first day to come on which spent and expected together exceed the amount."""
    left = known.filter("is_current").select("budget", left=pl.col("amount").cast(COST) - pl.col("actual"))
    return (
        daily.join(left, on="budget")
        .sort("budget", "date")
        .with_columns(to_come=pl.col("median").cast(COST).cum_sum().over("budget"))
        .group_by("budget")
        .agg(expected_on=pl.col("date").filter(pl.col("to_come") > pl.col("left")).min())
    )


def _forecasts() -> list[pl.Expr]:
    actual = pl.col("actual").cast(AMOUNT)
    totals = [
        pl.when("is_current").then(actual + pl.col(f"remaining_{name}")).otherwise(actual).alias(f"forecast_{name}")
        for name in ("median", "p10", "p90")
    ]
    probability = (
        pl.when("is_over").then(1.0).when("is_current").then("probability").otherwise(0.0).alias("overrun_probability")
    )
    return [*totals, probability.cast(SHARE)]


def _status() -> pl.Expr:
    # Both have six decimals, so their product has twelve.
    limit = pl.col("at_risk_forecast").cast(_PRODUCT) * pl.col("amount").cast(_PRODUCT)
    at_risk = (pl.col("forecast_median").cast(_PRODUCT) > limit) | (
        pl.col("overrun_probability") > pl.col("at_risk_probability").cast(SHARE)
    )
    return (
        pl.when("is_over")
        .then(pl.lit(Status.OVER_BUDGET.value))
        .when(pl.col("is_current") & at_risk)
        .then(pl.lit(Status.AT_RISK.value))
        .otherwise(pl.lit(Status.ON_TRACK.value))
    )
