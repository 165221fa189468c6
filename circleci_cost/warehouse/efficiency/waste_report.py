"""Answers questions about the published waste: sums by any of its names, beside the cost of the same group.

Making the table is `waste`'s job; terminals and pages show what is answered here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from circleci_cost.day_ranges import DayRange
from circleci_cost.errors import CircleciCostError, UsageError
from circleci_cost.model.efficiency.waste import CAUSE, CAUSE_NAMES
from circleci_cost.model.reporting.filters import Filter, FilterOperator, parse_filters
from circleci_cost.model.reporting.report import CURRENCY
from circleci_cost.model.usage.dimensions import HIERARCHY, NO_VALUE
from circleci_cost.text.amounts import cost_text, credits_text
from circleci_cost.text.suggestions import suggestion_or_all
from circleci_cost.warehouse.core.conditions import Parameters
from circleci_cost.warehouse.core.filters import filters_sql, known_filters
from circleci_cost.warehouse.core.statements import sql
from circleci_cost.warehouse.efficiency.waste import WASTE
from circleci_cost.warehouse.publishing.generations import Generation

_PERIODS = {
    "day": "strftime(date, '%Y-%m-%d')",
    "week": "strftime(date_trunc('week', date), '%Y-%m-%d')",
    "month": "strftime(date, '%Y-%m')",
}
GROUPS: tuple[str, ...] = (CAUSE, *HIERARCHY, *_PERIODS)
"""The names by which waste is grouped: its cause, the levels of the hierarchy, and periods."""


@dataclass(frozen=True)
class WasteRow:
    """One group: exact sums of its waste, and the cost of all usage of the group. A cost is None without a price."""

    names: tuple[str, ...]
    cost: Decimal | None
    credits: Decimal
    unpriced_credits: Decimal
    jobs: int
    runs: int
    run_seconds: int
    whole_cost: Decimal | None
    whole_credits: Decimal

    @property
    def share(self) -> Decimal | None:
        """The wasted share of the group's cost, or of its credits where that is 0; None where both are."""
        if self.cost is not None and self.whole_cost:
            return self.cost / self.whole_cost
        return self.credits / self.whole_credits if self.whole_credits else None


@dataclass(frozen=True)
class WasteReport:
    """The groups in order, and all of them together; `total` is None where nothing was wasted."""

    days: DayRange
    by: tuple[str, ...]
    rows: tuple[WasteRow, ...]
    total: WasteRow | None


def require_waste(generation: Generation) -> None:
    """Raise a `CircleciCostError` that says what to do where a generation has no such table."""
    if WASTE not in generation.manifest.rows:
        raise CircleciCostError(f"No waste is published yet; {generation.how_to_publish}.")


def waste_groups(by: Sequence[str]) -> tuple[str, ...]:
    """The names of texts such as `project,cause`, each once; `cause` without any. Raises `UsageError`."""
    names = [name.strip() for text in by for name in text.split(",") if name.strip()]
    for name in names:
        if name not in GROUPS:
            raise UsageError(f"Waste is not grouped by {name!r}; {suggestion_or_all(name, GROUPS)}")
    return tuple(dict.fromkeys(names)) or (CAUSE,)


def waste_filters(connection: duckdb.DuckDBPyConnection, where: Sequence[str]) -> tuple[Filter, ...]:
    """The filters of texts such as `project=web-app` or `cause!=bot`, their values checked. Raises `UsageError`."""
    parsed = parse_filters(where, [CAUSE])
    allowed = (CAUSE, *HIERARCHY)
    for each in parsed:
        if each.dimension not in allowed:
            raise UsageError(f"Waste has no {each.dimension}; {suggestion_or_all(each.dimension, allowed)}")
    causes = [each for each in parsed if each.dimension == CAUSE]
    for each in causes:
        if each.operator is not FilterOperator.CONTAINS:
            for value in each.values:
                if value not in CAUSE_NAMES:
                    raise UsageError(f"There is no cause {value!r}; {suggestion_or_all(value, list(CAUSE_NAMES))}")
    return (*known_filters(connection, [each for each in parsed if each.dimension != CAUSE]), *causes)


def waste_report(
    connection: duckdb.DuckDBPyConnection,
    days: DayRange,
    by: Sequence[str],
    filters: Sequence[Filter] = (),
    limit: int | None = None,
) -> WasteReport:
    """What was wasted on these days, by some of `GROUPS`. In: a generation's connection that has the table."""
    connection.execute(sql("core/questions"))
    rows = _rows(connection, days, by, filters)
    total = _rows(connection, days, (), filters)
    return WasteReport(days, tuple(by), tuple(rows[:limit]), total[0] if total else None)


def _rows(
    connection: duckdb.DuckDBPyConnection, days: DayRange, by: Sequence[str], filters: Sequence[Filter]
) -> list[WasteRow]:
    parameters = Parameters()
    of_costs = [each for each in filters if each.dimension != CAUSE]
    columns = {name: name for name in (CAUSE, *HIERARCHY)}
    query = sql("efficiency/waste_by").format(
        by=_list(by),
        within=_list([name for name in by if name != CAUSE]),
        wasted=filters_sql(filters, columns, parameters),
        used=filters_sql(of_costs, columns, parameters),
        order="".join(f"wasted.names[{by.index(name) + 1}], " for name in by if name in _PERIODS),
    )
    values = {**parameters.values, "first": days.first, "last": days.last, "no_value": NO_VALUE}
    return [WasteRow(tuple(names), *amounts) for names, *amounts in connection.execute(query, values).fetchall()]


def _list(names: Sequence[str]) -> str:
    return ", ".join(_PERIODS.get(name, name) for name in names)


def waste_json(report: WasteReport, generation: Generation) -> dict[str, object]:
    """The report for programs: exact decimals as strings."""
    return {
        "from": report.days.first.isoformat(),
        "to": report.days.last.isoformat(),
        "by": list(report.by),
        "currency": CURRENCY,
        **generation.manifest.as_of,
        "total": _amounts(report.total) if report.total else None,
        "rows": [dict(zip(report.by, row.names, strict=True)) | _amounts(row) for row in report.rows],
    }


def _amounts(row: WasteRow) -> dict[str, object]:
    return {
        "cost": cost_text(row.cost),
        "credits": credits_text(row.credits),
        "unpriced_credits": credits_text(row.unpriced_credits),
        "jobs": row.jobs,
        "runs": row.runs,
        "run_seconds": row.run_seconds,
        "whole_cost": cost_text(row.whole_cost),
        "whole_credits": credits_text(row.whole_credits),
        "share": None if row.share is None else f"{row.share:.6f}",
    }
