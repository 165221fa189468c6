"""The two sides of simulated daily rows, and each job's scatter, as `explain` takes them from a warehouse."""

from collections.abc import Collection
from datetime import date
from math import lcm

import polars as pl

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.drivers.baseline import four_weeks_before, scaled, weekdays_before
from circleci_cost.model.drivers.leaves import CLASSES
from circleci_cost.model.drivers.scatter import usual_scatter
from circleci_cost.model.drivers.unusual_days import unusual_days
from circleci_cost.model.usage.dimensions import HIERARCHY

_CENTER = HIERARCHY[0]


def sides(
    rows: pl.DataFrame, period: DayRange, known: Collection[date]
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The rows before and after, and the scatter: each cost center against its own usual days."""
    before_days = [day for day in four_weeks_before(period.first) if day in known]
    centers = rows.get_column(_CENTER).unique().sort()
    days = centers.to_frame().join(pl.DataFrame({"date": before_days}), how="cross")
    daily = rows.filter(pl.col("date").is_in(before_days)).with_columns(credits=pl.col("compute_credits"))
    unusual = unusual_days(daily, days, [_CENTER])
    usual = days.join(unusual, [_CENTER, "date"], "anti")
    parts = [_before(rows.filter(pl.col(_CENTER) == name), period, known, _dates(unusual, name)) for name in centers]
    after = rows.filter(pl.col("date") >= period.first)
    return pl.concat(parts), after, usual_scatter(daily, usual, HIERARCHY)


def _dates(days: pl.DataFrame, center: str) -> set[date]:
    return set(days.filter(pl.col(_CENTER) == center).get_column("date").to_list())


def _before(rows: pl.DataFrame, period: DayRange, known: Collection[date], unusual: set[date]) -> pl.DataFrame:
    weights = weekdays_before(period, known, unusual).before
    divisor = lcm(*(weight.denominator for weight in weights.values()))
    frame = pl.DataFrame(
        [(day, int(weight * divisor)) for day, weight in weights.items()],
        schema={"date": pl.Date, "weight": pl.Int64},
        orient="row",
    )
    measures = pl.col("^(runs|run_seconds|.*credits|.*cost_usd)$")
    key = [*HIERARCHY, *CLASSES]
    weighed = rows.join(frame, "date").with_columns(measures * pl.col("weight")).group_by(key).agg(measures.sum())
    return scaled(weighed, divisor, key)
