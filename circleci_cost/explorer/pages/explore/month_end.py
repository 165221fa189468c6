"""What the running month will come to: the exact days so far and the forecast of those that remain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from circleci_cost.day_ranges import DayRange
from circleci_cost.explorer.asking import ask
from circleci_cost.explorer.pages.explore.state import State
from circleci_cost.explorer.snapshot import Snapshot
from circleci_cost.model.reporting.comparison import Withheld, unpriced, without_data
from circleci_cost.model.reporting.filters import Filter, FilterOperator
from circleci_cost.model.reporting.metrics import Metric
from circleci_cost.text.amounts import WIDE
from circleci_cost.warehouse.forecast.month_end import TOTAL, Range, remaining_days
from circleci_cost.warehouse.reporting.compared import incomplete_days
from circleci_cost.warehouse.reporting.rollup import Rollup

_TABLE = "cost_forecast"
_FORECAST_DIMENSIONS = ("cost_center", "organization")


@dataclass(frozen=True)
class MonthEnd:
    """The month's total as it is forecast, or why it is not known, and the forecast of each remaining day."""

    month: date
    total: Range | Withheld
    days: Sequence[tuple[date, Range]]


def month_end(state: State, snapshot: Snapshot, rollup: Rollup) -> MonthEnd | None:
    """The forecast of these filters' costs or credits; None where nothing like them is forecast."""
    series = _series(state.filters, snapshot)
    if series is None or state.metric not in {Metric.COST, Metric.CREDITS}:
        return None
    if _TABLE not in snapshot.generation.manifest.rows:
        return None
    remaining = remaining_days(snapshot.connection, *series, state.metric.unit)
    if remaining is None:
        return None
    first = remaining.until.replace(day=1)
    so_far = Decimal(0)
    if remaining.data_through >= first:
        known = _known(state, snapshot, DayRange(first, remaining.data_through), rollup)
        if isinstance(known, Withheld):
            return MonthEnd(first, known, remaining.days)
        so_far = known
    together = remaining.together
    total = Range(*(WIDE.add(so_far, part) for part in (together.median, together.low, together.high)))
    return MonthEnd(first, total, remaining.days)


def _known(state: State, snapshot: Snapshot, days: DayRange, rollup: Rollup) -> Decimal | Withheld:
    """What the month has come to; withheld where something of it is not known, as no forecast makes up for that."""
    lacking = incomplete_days(snapshot.connection, state.filters, days, snapshot.cost_centers)
    if lacking:
        return without_data(lacking)
    amount = ask(snapshot, state.question(days, by=()), rollup).total
    value = state.metric.of(amount)
    if value is None or (state.metric.is_in_dollars and amount.unpriced_credits):
        return unpriced(amount, days)
    return value


def _series(filters: Sequence[Filter], snapshot: Snapshot) -> tuple[str, str] | None:
    """The kind and the name of the forecast series that has just these filters."""
    if not filters:
        return TOTAL, TOTAL
    if len(filters) > 1 or filters[0].operator is not FilterOperator.IS or len(filters[0].values) > 1:
        return None
    name, value = filters[0].dimension, filters[0].values[0]
    if name in _FORECAST_DIMENSIONS:
        return name, value
    return ("tag", f"{name}={value}") if name in snapshot.tags else None
