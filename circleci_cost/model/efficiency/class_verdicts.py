"""What became of each change of class: minutes and cost a run before and after, and whether to keep it.

The days of a change are found by `class_changes`, ratios and their bounds estimated by `class_effects`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from circleci_cost.days import DAYS_A_MONTH
from circleci_cost.model.efficiency.class_changes import class_changes, positions
from circleci_cost.model.efficiency.class_effects import Effects, effects
from circleci_cost.model.efficiency.verdict_text import sentence

# So many days with runs on either side are compared, within so many days of the calendar.
_DAYS, _CALENDAR_DAYS = 42, 120
FEWEST_DAYS, FEWEST_RUNS = 5, 20
# A success rate that fell by this much, and is not by chance (one in a hundred), outweighs any saving.
_FALL, _CHANCE = 0.05, 2.576
_USD = pl.Decimal(38, 6)
_TEXT, _NUMBER = pl.String(), pl.Float64()
_JOB = ("cost_center", "organization_id", "organization", "project_id", "project", "job")
VERDICT_SCHEMA: dict[str, pl.DataType] = {
    **dict.fromkeys(_JOB, _TEXT),
    "date": pl.Date(),
    **dict.fromkeys(("executor_before", "resource_class_before", "executor", "resource_class", "verdict"), _TEXT),
    "current": pl.Boolean(),
    **dict.fromkeys(("days_before", "days_after", "runs_before", "runs_after"), pl.Int64()),
    **dict.fromkeys(("minutes_before", "minutes_after"), _NUMBER),
    **dict.fromkeys(("minutes_ratio", "minutes_ratio_low", "minutes_ratio_high"), _NUMBER),
    **dict.fromkeys(("usd_per_run_before", "usd_per_run_after"), _USD),
    **dict.fromkeys(("cost_ratio", "cost_ratio_low", "cost_ratio_high"), _NUMBER),
    **dict.fromkeys(("saving_usd", "saving_low_usd", "saving_high_usd"), _USD),
    "saving_credits": pl.Decimal(38, 6),
    **dict.fromkeys(("success_rate_before", "success_rate_after"), _NUMBER),
    "sentence": _TEXT,
}


def verdicts(days: pl.DataFrame) -> pl.DataFrame:
    """All changes of class with their effect and verdict, `VERDICT_SCHEMA` [job × change].

    In: `days` [job × day × class] as `warehouse/efficiency/class_days.sql` adds them up: all `runs`; `succeeded` and
    `failed` ones; `seconds` and `credits` of those that succeeded, so that a job that fails early is no fast one; and
    the `price_per_credit` of today. `verdict` is `keep`, `revert`, `undecided` or `too few runs`; savings are against
    the former class, a month. The costliest to keep come first.
    """
    days = positions(days)
    changes = class_changes(days).with_row_index("change")
    sides = _sides(days, changes)
    rows = changes.join(_sums(sides), on="change", how="left").with_columns(
        *_estimates("minutes", sides, changes.height, "seconds"),
        *_estimates("cost", sides, changes.height, "credits"),
        current=pl.col("until") == pl.col("until").max().over("key"),
    )
    names = days.group_by("key").agg(*(pl.col(name).first() for name in _JOB), pl.col("price_per_credit").first())
    return (
        _judged(rows.join(names, on="key"))
        .with_columns(sentence=sentence())
        .sort("saving_credits", "cost_center", "project", "job", "date", nulls_last=True)
        .select(pl.col(name).cast(kind) for name, kind in VERDICT_SCHEMA.items())
    )


def _sides(days: pl.DataFrame, changes: pl.DataFrame) -> pl.DataFrame:
    """The days of each change with the class that counts on its side."""
    spans = changes.select("change", "key", "since", "until", "executor_before", "resource_class_before",
                           at="position", on="date", executor_after="executor",
                           resource_class_after="resource_class")  # fmt: skip
    near = (pl.col("position") >= pl.max_horizontal("since", pl.col("at") - _DAYS)) & (
        pl.col("position") < pl.min_horizontal("until", pl.col("at") + _DAYS)
    )
    after = pl.col("position") >= pl.col("at")
    executor = pl.when("after").then("executor_after").otherwise("executor_before")
    name = pl.when("after").then("resource_class_after").otherwise("resource_class_before")
    day = (pl.col("date") - pl.col("on")).dt.total_days()
    return (
        days.join(spans, on="key")
        .filter(near & (day.abs() <= _CALENDAR_DAYS))
        .with_columns(after=after, day=day, weekday=pl.col("date").dt.weekday().cast(pl.Int64) - 1)
        .filter((pl.col("executor") == executor) & (pl.col("resource_class") == name))
        .sort("change", "date")
    )


def _sums(sides: pl.DataFrame) -> pl.DataFrame:
    done = pl.col("succeeded") > 0

    def of(side: str) -> list[pl.Expr]:
        chosen = pl.col("after") if side == "after" else ~pl.col("after")
        return [
            (chosen & done).sum().cast(pl.Int64).alias(f"days_{side}"),
            *(pl.col(name).filter(chosen).sum().alias(f"{name}_{side}") for name in
              ("runs", "succeeded", "failed", "seconds", "credits")),
        ]  # fmt: skip

    span = (pl.col("date").filter("after").max() - pl.col("on").first()).dt.total_days() + 1
    return sides.group_by("change").agg(*of("before"), *of("after"), span=span)


def _estimates(name: str, sides: pl.DataFrame, changes: int, measure: str) -> list[pl.Series]:
    used = sides.filter((pl.col("succeeded") > 0) & (pl.col(measure).cast(pl.Float64) > 0)).with_columns(
        place=pl.int_range(pl.len()).over("change"),
        value=pl.col(measure).cast(pl.Float64) / pl.col("succeeded"),
    )
    shape = (changes, 2 * _DAYS)
    where = (used["change"].to_numpy(), used["place"].to_numpy())

    def laid_out(column: str, kind: type) -> npt.NDArray[Any]:
        laid: npt.NDArray[Any] = np.zeros(shape, dtype=kind)
        laid[where] = used[column].to_numpy()
        return laid

    found = (
        effects(
            laid_out("value", np.float64),
            laid_out("succeeded", np.float64),
            laid_out("day", np.float64),
            laid_out("weekday", np.int64),
            laid_out("after", np.bool_),
        )
        if changes
        else Effects(*(np.zeros(0),) * 3)
    )
    endings = {"": found.ratio, "_low": found.low, "_high": found.high}
    return [pl.Series(f"{name}_ratio{ending}", values) for ending, values in endings.items()]


def _judged(rows: pl.DataFrame) -> pl.DataFrame:
    succeeded = {side: pl.col(f"succeeded_{side}") for side in ("before", "after")}
    rates = {side: _each(runs, runs + pl.col(f"failed_{side}")) for side, runs in succeeded.items()}
    credits = {side: _each(pl.col(f"credits_{side}").cast(pl.Float64), runs) for side, runs in succeeded.items()}
    price = pl.col("price_per_credit").cast(pl.Float64)
    monthly = pl.col("runs_after") / pl.col("span") * DAYS_A_MONTH * credits["after"]
    few = pl.min_horizontal("days_before", "days_after") < FEWEST_DAYS
    few |= pl.min_horizontal("succeeded_before", "succeeded_after") < FEWEST_RUNS
    ratios = [f"{name}_ratio{ending}" for name in ("minutes", "cost") for ending in ("", "_low", "_high")]
    return (
        rows.with_columns(
            too_few=few.fill_null(value=True),
            success_rate_before=rates["before"],
            success_rate_after=rates["after"],
            **{f"minutes_{side}": _each(pl.col(f"seconds_{side}"), runs) / 60 for side, runs in succeeded.items()},
            **{f"usd_per_run_{side}": credits[side] * price for side in rates},
        )
        .with_columns(pl.when(~pl.col("too_few")).then(pl.col(name)).alias(name) for name in ratios)
        .with_columns(
            fell=_fell(),
            saving_credits=monthly * (1 / pl.col("cost_ratio") - 1),
            saving_usd=monthly * price * (1 / pl.col("cost_ratio") - 1),
            saving_low_usd=monthly * price * (1 / pl.col("cost_ratio_high") - 1),
            saving_high_usd=monthly * price * (1 / pl.col("cost_ratio_low") - 1),
        )
        .with_columns(
            verdict=pl.when("too_few")
            .then(pl.lit("too few runs"))
            .when(pl.col("fell") | (pl.col("cost_ratio_low") > 1))
            .then(pl.lit("revert"))
            .when(pl.col("cost_ratio_high") < 1)
            .then(pl.lit("keep"))
            .otherwise(pl.lit("undecided"))
        )
    )


def _each(amount: pl.Expr, runs: pl.Expr) -> pl.Expr:
    """An amount a run; nothing is known of it where no run succeeded."""
    return pl.when(runs > 0).then(amount / runs)


def _fell() -> pl.Expr:
    """Whether the success rate fell, by more than chance (a test of two proportions)."""
    before, after = (pl.col(f"succeeded_{side}") + pl.col(f"failed_{side}") for side in ("before", "after"))
    together = (pl.col("succeeded_before") + pl.col("succeeded_after")) / (before + after)
    spread = (together * (1 - together) * (1 / before + 1 / after)).sqrt()
    fall = pl.col("success_rate_before") - pl.col("success_rate_after")
    return ((fall >= _FALL) & (fall > _CHANCE * spread)).fill_null(value=False)
