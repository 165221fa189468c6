"""Reads the costs of periods and of their baselines, in the form that `model.drivers.decomposition` takes apart.

Weighing the days is `model.drivers.baseline`'s job, finding example runs `examples`', and explaining incidents
`anomaly_drivers`'.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

import duckdb
import polars as pl

from circleci_cost.day_ranges import DayRange, as_ranges
from circleci_cost.errors import UsageError
from circleci_cost.model.drivers.baseline import (
    Comparison,
    day_weights,
    days_of,
    four_weeks_before,
    range_before,
    scaled,
    weekdays_before,
)
from circleci_cost.model.drivers.leaves import CLASSES, FINER
from circleci_cost.model.reporting.filters import Filter
from circleci_cost.model.usage.charge_types import CHARGE_TYPES
from circleci_cost.model.usage.dimensions import CHARGE_TYPE, HIERARCHY
from circleci_cost.warehouse.core.cost_rows import VALUE, rows_for
from circleci_cost.warehouse.core.filters import COST_CENTER, fitting, known_filters
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.drivers.scoped_rows import SCOPE_SCHEMA, Scopes, scoped_rows
from circleci_cost.warehouse.drivers.usual_days import read_usual_days


@dataclass(frozen=True)
class Periods:
    """The period to explain, the one to compare with (None: the same weekdays of the four weeks before), and of what.

    `by` and `filters` name dimensions, and at most one virtual tag together. `special` days, such as holidays, do not
    show what a weekday usually costs.
    """

    period: DayRange
    against: DayRange | None = None
    by: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    special: frozenset[date] = frozenset()


class PriceChange(NamedTuple):
    """The first day of another price of a cost center."""

    cost_center: str
    date: date
    price_before: Decimal
    price_after: Decimal


@dataclass(frozen=True)
class Costs:
    """The rows of two periods for `drivers.decompose`, the first scaled to the days of the second.

    `last_days` are the last compared ones of the second period; `missing` and `unpriced` those of either period that
    could not be compared, by cost center: they are in neither frame. `unusual` days of the four weeks were left out
    because they do not show what their weekday costs; `scatter` is that of each job (`drivers.scatter`).
    """

    before: pl.DataFrame
    after: pl.DataFrame
    last_days: Mapping[str, date] = field(default_factory=dict)
    missing: Mapping[str, Sequence[DayRange]] = field(default_factory=dict)
    unpriced: Mapping[str, Sequence[DayRange]] = field(default_factory=dict)
    prices: Sequence[PriceChange] = ()
    unusual: Mapping[str, Sequence[DayRange]] = field(default_factory=dict)
    scatter: pl.DataFrame | None = None

    @property
    def organizations(self) -> int:
        """How many organizations there are in the rows."""
        return pl.concat([self.before["organization"], self.after["organization"]]).n_unique()

    @property
    def is_partial(self) -> bool:
        """Whether some of the days asked for are not in the comparison."""
        return bool(self.missing or self.unpriced)


def read_costs(connection: duckdb.DuckDBPyConnection, periods: Periods, cost_centers: Sequence[str]) -> Costs:
    """The costs of two periods of some cost centers.

    In: a connection with `daily_costs` and `usage_days`, of the warehouse or a published generation, and with
    `allocated_costs` for a virtual tag. Days without complete and priced data are left out of both periods and listed.
    Raises `UsageError` for a value that no usage has, more than one virtual tag, `charge_type` in `by`, and where no
    cost center has days to compare.
    """
    tag = _one_tag(periods)
    filters = known_filters(connection, periods.filters)
    centers = fitting(connection, filters, COST_CENTER, cost_centers)
    known = known_days(connection)
    chosen = any(each.dimension == CHARGE_TYPE for each in filters)
    charge_types = fitting(connection, filters, CHARGE_TYPE, CHARGE_TYPES) if chosen else None
    scope = pl.DataFrame([{"comparison": "", "charge_types": charge_types}], schema=SCOPE_SCHEMA)
    scopes = Scopes(scope, tag, filters)
    usual = read_usual_days(
        connection, {("", name): _baseline(periods, known.get(name, ())) for name in centers}, scopes
    )
    comparisons = {
        ("", name): _compare(periods, known.get(name, ()), usual.unusual.get(("", name), ())) for name in centers
    }
    if not any(comparison.after for comparison in comparisons.values()):
        raise UsageError(_nothing_to_compare(periods))
    by = tuple(VALUE if name == tag else name for name in periods.by)
    rows = compared_rows(connection, comparisons, scopes, by)
    if tag:
        rows = {side: frame.rename({VALUE: tag}) for side, frame in rows.items()}
    missing, unpriced = _shortfalls(connection, periods, centers, known)
    last = {name: max(comparison.after) for (_, name), comparison in comparisons.items() if comparison.after}
    left_out = {name: sorted(_left_out(comparisons["", name], usual.unusual.get(("", name), ()))) for name in centers}
    return Costs(
        rows["before"],
        rows["after"],
        last,
        missing,
        unpriced,
        _price_changes(connection, periods, centers),
        _ranges(left_out if periods.against is None else {}),
        usual.scatter.drop("comparison"),
    )


def known_days(connection: duckdb.DuckDBPyConnection) -> dict[str, frozenset[date]]:
    """The days of each cost center whose costs are complete and priced."""
    by_center: dict[str, set[date]] = {}
    for name, day in connection.execute(sql("drivers/days_known")).fetchall():
        by_center.setdefault(name, set()).add(day)
    return {name: frozenset(days) for name, days in by_center.items()}


def compared_rows(
    connection: duckdb.DuckDBPyConnection,
    comparisons: Mapping[tuple[str, str], Comparison],
    scopes: Scopes,
    by: Sequence[str] = (),
) -> dict[str, pl.DataFrame]:
    """The rows of both sides, 'before' and 'after', of comparisons by their name and cost center.

    Out: `comparison`, the levels, `resource_class`, `executor`, what of `by` is finer, and the measures of
    `daily_costs`; the costs of 'before' are scaled exactly.
    """
    days, divisor = day_weights(comparisons)
    connection.execute(sql("drivers/weighed"))
    finer = (f"rows.{name}" if name in by else f"CAST(NULL AS VARCHAR) AS {name}" for name in (*FINER, VALUE))
    rows = scoped_rows(connection, "drivers/rows", days, scopes, finer=", ".join(finer))
    rows = _of_charge_types(rows, scopes.rows)
    key = ["comparison", *HIERARCHY, *CLASSES, *FINER, VALUE]
    sides = {side: rows.filter(pl.col("side") == side).drop("side", "unpriced") for side in ("before", "after")}
    return {"before": scaled(sides["before"], divisor, key), "after": sides["after"]}


def _one_tag(periods: Periods) -> str | None:
    if CHARGE_TYPE in periods.by:
        raise UsageError(
            "Charge types are drivers of their own and told in every answer; leave charge_type out of --by."
        )
    tags = rows_for((*periods.by, *(each.dimension for each in periods.filters))).tags
    if len(tags) > 1:
        raise UsageError(
            f"A change is explained by one virtual tag at a time, not by {' and '.join(tags)}; ask for one."
        )
    return tags[0] if tags else None


def _baseline(periods: Periods, known: Collection[date]) -> list[date]:
    """The days that show what is usual."""
    days = four_weeks_before(periods.period.first) if periods.against is None else days_of(periods.against)
    return [day for day in days if day in known and day not in periods.special]


def _left_out(comparison: Comparison, unusual: Collection[date]) -> list[date]:
    """The unusual days whose weekdays are compared."""
    weekdays = {day.weekday() for day in comparison.after}
    return [day for day in unusual if day not in comparison.before and day.weekday() in weekdays]


def _compare(periods: Periods, known: Collection[date], unusual: Collection[date]) -> Comparison:
    if periods.against is None:
        return weekdays_before(periods.period, known, {*periods.special, *unusual})
    return range_before(periods.period, periods.against, known)


def _of_charge_types(rows: pl.DataFrame, scopes: pl.DataFrame) -> pl.DataFrame:
    """Keep only the charge types that a scope asks for, where it asks for any."""
    if scopes.get_column("charge_types").null_count() == scopes.height:
        return rows
    scoped = rows.join(scopes.select("comparison", "charge_types"), "comparison", "left")
    restricted = scoped.with_columns(
        pl.when(pl.col("charge_types").is_null() | pl.col("charge_types").list.contains(name))
        .then(pl.col(f"{name}_{measure}"))
        .otherwise(0)
        .alias(f"{name}_{measure}")
        for name in CHARGE_TYPES
        for measure in ("credits", "cost_usd")
    )
    cost = pl.sum_horizontal(f"{name}_cost_usd" for name in CHARGE_TYPES)
    return restricted.with_columns(
        credits=pl.sum_horizontal(f"{name}_credits" for name in CHARGE_TYPES),
        cost_usd=pl.when(pl.col("cost_usd").is_not_null()).then(cost),
    ).drop("charge_types")


def _shortfalls(
    connection: duckdb.DuckDBPyConnection,
    periods: Periods,
    cost_centers: Sequence[str],
    known: Mapping[str, Collection[date]],
) -> tuple[dict[str, list[DayRange]], dict[str, list[DayRange]]]:
    """The days asked for that are missing or incomplete, and those on which credits have no price."""
    complete: dict[str, set[date]] = {}
    for name, day in connection.execute("SELECT cost_center, date FROM usage_days WHERE complete").fetchall():
        complete.setdefault(name, set()).add(day)
    days = _asked_days(periods)
    missing = {name: [day for day in days if day not in complete.get(name, ())] for name in cost_centers}
    unpriced = {
        name: [day for day in days if day in complete.get(name, ()) and day not in known.get(name, ())]
        for name in cost_centers
    }
    return _ranges(missing), _ranges(unpriced)


def _ranges(days: Mapping[str, Sequence[date]]) -> dict[str, list[DayRange]]:
    return {name: as_ranges(dates) for name, dates in days.items() if dates}


def _asked_days(periods: Periods) -> list[date]:
    """The days of the period, and those that it is to be compared with."""
    days = days_of(periods.period)
    if periods.against is not None:
        return sorted({*days, *days_of(periods.against)})
    weekdays = {day.weekday() for day in days}
    return sorted({*days, *(day for day in four_weeks_before(periods.period.first) if day.weekday() in weekdays)})


def _price_changes(
    connection: duckdb.DuckDBPyConnection, periods: Periods, cost_centers: Sequence[str]
) -> list[PriceChange]:
    days = _asked_days(periods)
    parameters = {"first": days[0] + timedelta(days=1), "last": days[-1], "cost_center": list(cost_centers)}
    return [PriceChange(*row) for row in connection.execute(sql("drivers/prices"), parameters).fetchall()]


def _nothing_to_compare(periods: Periods) -> str:
    against = f"{periods.against.first} to {periods.against.last}" if periods.against else "the four weeks before"
    return (
        f"No cost center has complete and priced days both in {periods.period.first} to {periods.period.last} and in "
        f"{against}; `circleci-cost report --granularity day` shows the days there are."
    )
