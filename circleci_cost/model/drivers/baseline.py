"""Which days a period is compared with, the weight of each of them, and the scaling of their costs.

Reading the days is the warehouse's job, decomposing the change `decomposition`'s.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from math import lcm

import polars as pl

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.drivers.leaves import MONEY, QUANTITY

WEEKS = 4
"""The number of weeks before a period that its weekdays are compared with."""

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Comparison:
    """The days of a period that can be compared, and the weight of each day of its baseline."""

    after: tuple[date, ...]
    before: Mapping[date, Fraction]


def weekdays_before(period: DayRange, known: Collection[date], special: Collection[date] = ()) -> Comparison:
    """Compare with the same weekdays of the four weeks before the period, each weekday by its mean.

    In: the days that are completely known, and the special days, such as holidays, which do not represent their
    weekday: they are in the baseline only if the weekday has no other days. A weekday without a known baseline day is
    left out of the period, too. The weights of the baseline's days add up to the remaining days of the period.
    """
    every: dict[int, list[date]] = {}
    for day in four_weeks_before(period.first):
        if day in known:
            every.setdefault(day.weekday(), []).append(day)
    usual = {weekday: [day for day in days if day not in special] for weekday, days in every.items()}
    baseline = {weekday: usual[weekday] or days for weekday, days in every.items()}
    after = tuple(day for day in days_of(period) if day in known and day.weekday() in baseline)
    weights: dict[date, Fraction] = {}
    for weekday, days in baseline.items():
        count = sum(day.weekday() == weekday for day in after)
        if count:
            weights |= dict.fromkeys(days, Fraction(count, len(days)))
    return Comparison(after, weights)


def range_before(period: DayRange, against: DayRange, known: Collection[date]) -> Comparison:
    """Compare with another range of days, all of equal weight, scaled to the number of days of the period."""
    after = tuple(day for day in days_of(period) if day in known)
    before = [day for day in days_of(against) if day in known]
    if not after or not before:
        return Comparison((), {})
    return Comparison(after, dict.fromkeys(before, Fraction(len(after), len(before))))


def previous(period: DayRange) -> DayRange:
    """The range of the same length right before a period."""
    return DayRange(period.first - (period.last - period.first + _DAY), period.first - _DAY)


def four_weeks_before(day: date) -> list[date]:
    """The baseline days of a period that begins on `day`, the latest first."""
    return [day - back * _DAY for back in range(1, 7 * WEEKS + 1)]


def days_of(days: DayRange) -> list[date]:
    """Each day, both ends included."""
    return [days.first + number * _DAY for number in range((days.last - days.first).days + 1)]


def day_weights(comparisons: Mapping[tuple[str, str], Comparison]) -> tuple[pl.DataFrame, int]:
    """The days of comparisons, by comparison and cost center, with integer weights, and the divisor of the weights.

    Out: `comparison`, `cost_center`, `date`, `side` ('before' or 'after'), `weight`; the weight of a day is `weight`
    over the divisor; days of the period itself weigh one each and are not divided.
    """
    fractions = [weight for comparison in comparisons.values() for weight in comparison.before.values()]
    divisor = lcm(*(weight.denominator for weight in fractions)) if fractions else 1
    rows = [
        (name, cost_center, day, side, weight)
        for (name, cost_center), comparison in comparisons.items()
        for side, weights in (
            ("after", dict.fromkeys(comparison.after, 1)),
            ("before", {day: int(weight * divisor) for day, weight in comparison.before.items()}),
        )
        for day, weight in weights.items()
    ]
    schema = {"comparison": pl.String, "cost_center": pl.String, "date": pl.Date, "side": pl.String, "weight": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row"), divisor


def scaled(rows: pl.DataFrame, divisor: int, key: Sequence[str]) -> pl.DataFrame:
    """Divide the costs and quantities of a period's rows by a whole number.

    Costs are divided by cumulative rounding in the order of `key`, so that a column's sum equals its divided sum to the
    last digit. Where the rows have charge types, `cost_usd` becomes their sum. Null costs stay null.
    """
    if divisor == 1:
        return rows
    charges = [name for name in rows.columns if name.endswith("_cost_usd")]
    quantities = [name for name in rows.columns if name in {"runs", "run_seconds"} or name.endswith("credits")]
    ordered = rows.sort(key)
    divided = ordered.with_columns(
        *(pl.col(name).cast(QUANTITY) / divisor for name in quantities),
        *(_part(name, divisor).alias(name) for name in charges or ["cost_usd"]),
    )
    if not charges:
        return divided
    whole = pl.sum_horizontal(charges).cast(MONEY)
    return divided.with_columns(cost_usd=pl.when(pl.col("cost_usd").is_not_null()).then(whole))


def _part(name: str, divisor: int) -> pl.Expr:
    until = pl.col(name).cast(MONEY).fill_null(0).cum_sum()
    return pl.when(pl.col(name).is_not_null()).then(until / divisor - (until.shift(1, fill_value=0) / divisor))
