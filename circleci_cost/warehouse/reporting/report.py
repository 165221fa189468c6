"""Answers a report's question from a published generation; values go in as parameters, never as SQL.

What may be asked, and what an answer consists of, is defined in `model.reporting.report`.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

import duckdb

from circleci_cost.day_ranges import DayRange, as_ranges
from circleci_cost.model.reporting.filters import Filter
from circleci_cost.model.reporting.report import REST, Amount, Order, Question, Report, Row
from circleci_cost.warehouse.core.conditions import Parameters
from circleci_cost.warehouse.core.cost_rows import listed_tags, make_view, rows_for
from circleci_cost.warehouse.core.filters import COST_CENTER, filtered, fitting, known_filters
from circleci_cost.warehouse.core.statements import one_row, sql
from circleci_cost.warehouse.publishing.generations import ALLOCATED, Generation
from circleci_cost.warehouse.reporting.rollup import HOLDS, TABLE, Rollup

# The cost as a whole number of its last decimals: equal ratios stay equal, which floating-point ones would not.
_WHOLE_COST = "CAST(replace(CAST(CAST(cost AS DECIMAL(38, 16)) AS VARCHAR), '.', '') AS HUGEINT)"
# As far as all of it has a price.
_RATIO = f"CASE WHEN unpriced_credits = 0 THEN {_WHOLE_COST} // nullif({{}}, 0) END DESC NULLS LAST"
# What each order compares first, before the names.
_ORDERS = {
    Order.COST: ("coalesce(cost, 0) DESC", "credits DESC"),
    Order.CREDITS: ("credits DESC",),
    Order.RUNS: ("coalesce(runs, 0) DESC", "credits DESC"),
    Order.MINUTES: ("run_seconds DESC NULLS LAST", "credits DESC"),
    Order.COST_PER_RUN: (_RATIO.format("runs"), "credits DESC"),
    Order.COST_PER_MINUTE: (_RATIO.format("run_seconds"), "credits DESC"),
    Order.NAME: (),
}


def answer(
    connection: duckdb.DuckDBPyConnection,
    generation: Generation,
    question: Question,
    cost_centers: Sequence[str],
    expected: DayRange | None,
    *,
    rollup: Rollup | None = None,
) -> Report:
    """Answer a question; the rows come by period and in the question's order, the sum of the rest last.

    In: a connection of the generation, the cost centers of the configuration, and the days of which data can be
    expected by now (None: no days); `rollup` of the same connection is used where it can answer the question, else a
    question `of_runs` needs `run_costs` of its days. Raises `UsageError` for a value that no usage has.
    """
    # Cost centers without usage may be asked for: their report is empty.
    if rollup is not None and rollup.answers(question):
        filters = rollup.known
        total, rows, groups = _of_rollup(connection, question, rollup)
    else:
        filters = known_filters(connection, question.filters, cost_centers)
        total, rows, groups = _of_costs(connection, question, filters)
    asked_centers = fitting(connection, filters, COST_CENTER, cost_centers)
    missing = _missing(connection, question, asked_centers, expected)
    unsettled = _unsettled(connection, question, asked_centers)
    through = generation.manifest.data_through
    untold = _untold(connection, question, asked_centers) if question.of_runs else {}
    return Report(question, rows, total, through, missing, unsettled, untold=untold, groups=groups)


def days_with_data(connection: duckdb.DuckDBPyConnection) -> DayRange | None:
    """The first and the last day of any cost center; None where there are no days yet."""
    ((first, last),) = connection.execute("SELECT min(date), max(date) FROM usage_days").fetchall()
    return DayRange(first, last) if first else None


def published_tags(connection: duckdb.DuckDBPyConnection, generation: Generation) -> list[str]:
    """The virtual tags of a generation; none in one that an earlier version published."""
    if ALLOCATED not in generation.manifest.rows:
        return []
    listed = listed_tags(connection)
    if listed is not None:
        return listed
    rows = connection.execute("SELECT DISTINCT tag FROM allocated_costs ORDER BY tag").fetchall()
    return [tag for (tag,) in rows]


_Amounts = tuple[Amount, tuple[Row, ...], int]


def _of_costs(connection: duckdb.DuckDBPyConnection, question: Question, filters: Sequence[Filter]) -> _Amounts:
    source = rows_for(question.dimensions)
    make_view(connection, source)
    parameters = Parameters()
    where = filtered(source, filters, parameters)
    parameters.values["tag"] = source.tag
    return _amounts(
        connection, question, source.view, source.column, where=where, holds=HOLDS, values=parameters.values
    )


def _of_rollup(connection: duckdb.DuckDBPyConnection, question: Question, rollup: Rollup) -> _Amounts:
    return _amounts(connection, question, TABLE, rollup.column, where="true", holds="true", values={"tag": ""})


def _amounts(
    connection: duckdb.DuckDBPyConnection,
    question: Question,
    view: str,
    column: Callable[[str], str],
    *,
    where: str,
    holds: str,
    values: dict[str, object],
) -> _Amounts:
    """The total, the rows in their order, and the number of groups."""
    names = [f"by_{place}" for place in range(len(question.by))]
    query = sql("reporting/report").format(
        view=view,
        where=where,
        holds=holds,
        groups="".join(f"{column(by)} AS {name}, " for name, by in zip(names, question.by, strict=True)),
        names="".join(f"{name}, " for name in names),
        shown="".join(f"CASE WHEN ranked.rest THEN '{REST}' ELSE sums.{name} END AS {name}, " for name in names),
        none="".join(f"NULL AS {name}, " for name in names),
        same=" AND ".join(f"sums.{name} = ranked.{name}" for name in names) or "true",
        order=", ".join((*_ORDERS[question.order], *names)) or "credits",
    )
    asked = {
        "granularity": str(question.granularity or ""),
        "first": question.first,
        "last": question.last,
        "counted": not question.splits_charge_types,
        "limit": question.limit if question.by else None,
    }
    whole, *rows = connection.execute(query, {**values, **asked}).fetchall()
    named = slice(2, 2 + len(names))
    amount = slice(named.stop + 2, None)
    return (
        Amount(*whole[amount]),
        tuple(Row(row[1], row[named], Amount(*row[amount]), row[named.stop]) for row in rows),
        whole[named.stop + 1],
    )


def _missing(
    connection: duckdb.DuckDBPyConnection,
    question: Question,
    cost_centers: Sequence[str],
    expected: DayRange | None,
) -> dict[str, list[DayRange]]:
    if expected is None or not cost_centers:
        return {}
    first, last = max(question.first, expected.first), min(question.last, expected.last)
    if first > last:
        return {}
    return _ranges(connection, "reporting/missing_days", cost_centers, first, last)


def _unsettled(
    connection: duckdb.DuckDBPyConnection, question: Question, cost_centers: Sequence[str]
) -> dict[str, list[DayRange]]:
    return _ranges(connection, "reporting/unsettled_days", cost_centers, question.first, question.last)


def _untold(
    connection: duckdb.DuckDBPyConnection, question: Question, cost_centers: Sequence[str]
) -> dict[str, list[DayRange]]:
    return _ranges(connection, "reporting/untold_days", cost_centers, question.first, question.last)


def _ranges(
    connection: duckdb.DuckDBPyConnection, query: str, cost_centers: Sequence[str], first: date, last: date
) -> dict[str, list[DayRange]]:
    """The days that a query of (cost center, day) finds, by cost center."""
    parameters = {"cost_centers": list(cost_centers), "first": first, "last": last}
    days: dict[str, list[date]] = {}
    for name, day in connection.execute(sql(query), parameters).fetchall():
        days.setdefault(name, []).append(day)
    return {name: as_ranges(dates) for name, dates in days.items()}


def imported_days(
    connection: duckdb.DuckDBPyConnection, cost_center: str, days: DayRange, exported_at: datetime
) -> int:
    """How many of these days rest on an export made at `exported_at` or later."""
    parameters = {
        "cost_center": cost_center,
        "first": days.first,
        "last": days.last,
        "exported_at": exported_at.astimezone(UTC).replace(tzinfo=None),
    }
    return int(one_row(connection, sql("reporting/imported_days"), parameters)[0])


def unpriced_days(connection: duckdb.DuckDBPyConnection, cost_center: str, days: DayRange | None) -> list[date]:
    """The days, of all or of `days`, on which credits of a cost center have no price."""
    first, last = (days.first, days.last) if days else (date.min, date.max)
    query = (
        "SELECT DISTINCT date FROM daily_costs WHERE cost_center = $cost_center AND date BETWEEN $first AND $last "
        "AND price_per_credit IS NULL AND credits <> 0 ORDER BY date"
    )
    parameters = {"cost_center": cost_center, "first": first, "last": last}
    return [day for (day,) in connection.execute(query, parameters).fetchall()]


def costed_days(connection: duckdb.DuckDBPyConnection, cost_center: str) -> set[date]:
    """The published days of one cost center, days without usage included."""
    query = "SELECT date FROM usage_days WHERE cost_center = $cost_center"
    return {day for (day,) in connection.execute(query, {"cost_center": cost_center}).fetchall()}


def unfilled_days(connection: duckdb.DuckDBPyConnection) -> dict[str, list[date]]:
    """The days, by cost center, that an earlier version computed without values that this one computes."""
    days: dict[str, list[date]] = {}
    for cost_center, day in connection.execute(sql("reporting/unfilled_days")).fetchall():
        days.setdefault(cost_center, []).append(day)
    return days


def days_with_usage(connection: duckdb.DuckDBPyConnection, cost_center: str) -> set[date]:
    """The published days of one cost center that have jobs."""
    query = "SELECT DISTINCT date FROM daily_costs WHERE cost_center = $cost_center"
    return {day for (day,) in connection.execute(query, {"cost_center": cost_center}).fetchall()}


def not_published(
    connection: duckdb.DuckDBPyConnection, cost_centers: Sequence[str], days: DayRange
) -> dict[str, list[DayRange]]:
    """The days, by cost center, that no export covers; days without usage are covered."""
    return _ranges(connection, "reporting/missing_days", cost_centers, days.first, days.last)


def not_settled(
    connection: duckdb.DuckDBPyConnection, cost_centers: Sequence[str], days: DayRange
) -> dict[str, list[DayRange]]:
    """The days, by cost center, that CircleCI could still restate when they were exported."""
    return _ranges(connection, "reporting/unsettled_days", cost_centers, days.first, days.last)
