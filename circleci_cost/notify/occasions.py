"""Which notices are due after a publication: imports, ending prices and tokens, incidents, credits, budgets, digests.

Reads a published generation and the configuration. `events` and `budget_events` word the notices, `digest_occasions`
makes the digests, `routing` chooses the channels. Each run yields the same notices again; the outbox drops those it has
had before.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.history.coverage import missing_days
from circleci_cost.lake.layout import Lake
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.pricing.price_gaps import gaps
from circleci_cost.notify import budget_events, events
from circleci_cost.notify.anomaly_occasions import anomaly_notices
from circleci_cost.notify.budget_events import BudgetCrossing
from circleci_cost.notify.credit_occasions import credit_notices
from circleci_cost.notify.digest_occasions import digest_notices
from circleci_cost.notify.messages import Notice
from circleci_cost.notify.outbox import Outbox
from circleci_cost.warehouse.budgets.budget_status import Periods, read_budget_status
from circleci_cost.warehouse.incidents.incidents import INCIDENTS
from circleci_cost.warehouse.publishing.generations import Generation
from circleci_cost.warehouse.reporting.summaries import import_summary

# How long before it begins a price gap is notified.
_PRICES_AHEAD = timedelta(days=31)
# A threshold crossed in the last days of a period is notified even after its end.
_AFTER_THE_END = timedelta(days=7)
_BUDGETS = "budget_status"
_ZERO = Decimal(0)


def occasions(
    settings: Settings,
    budgets: tuple[Budget, ...],
    lake: Lake,
    generation: Generation,
    now: datetime,
    *,
    outbox: Outbox,
) -> Iterator[Notice]:
    """All notices due at a time in UTC; earlier messages in the outbox show which incidents have grown or ended."""
    today = now.date()
    yield from _ends_ahead(settings, today)
    with generation.connect() as connection:
        yield from _imports(settings, lake, connection, now)
        if INCIDENTS in generation.manifest.rows:
            renotify_at = settings.anomalies.renotify_at
            yield from anomaly_notices(connection, outbox, settings.notifications.owners, renotify_at)
        yield from credit_notices(connection, generation, today)
        # A generation of an earlier version has no budgets.
        if _BUDGETS in generation.manifest.rows:
            yield from _budgets(connection, budgets)
            yield from digest_notices(connection, generation, settings.notifications.owners, budgets)


def _ends_ahead(settings: Settings, today: date) -> Iterator[Notice]:
    for center in settings.cost_centers:
        ahead = gaps(center.price_periods, today + timedelta(days=1), today + _PRICES_AHEAD)
        if ahead:
            yield events.price_gap(center.name, ahead[0].first)
        if (end := center.api_token_expires) is not None:
            notice = events.token_expiry(center.name, center.api_token_env, end, (end - today).days)
            if notice is not None:
                yield notice


def _imports(settings: Settings, lake: Lake, connection: duckdb.DuckDBPyConnection, now: datetime) -> Iterator[Notice]:
    """A notice for each cost center whose history is imported as far as CircleCI serves it."""
    for center in settings.cost_centers:
        summary = import_summary(connection, center.name)
        if summary.days is None or missing_days(settings, lake, center.name, now).fetchable:
            continue
        days = DayRange(max(settings.history_start, min(lake.job_runs_days(center.name))), summary.days.last)
        yield events.import_complete(
            center.name,
            days,
            jobs=summary.jobs,
            runs=summary.runs,
            credits_used=summary.credits,
            unpriced_credits=summary.unpriced_credits,
            cost=summary.cost_usd,
            prices=center.price_periods,
            unpriced_days=gaps(center.price_periods, settings.history_start, now.date()),
        )


def _budgets(connection: duckdb.DuckDBPyConnection, budgets: tuple[Budget, ...]) -> Iterator[Notice]:
    by_name = {budget.name: budget for budget in budgets}
    for periods in (Periods.CURRENT, Periods.LAST):
        for row in read_budget_status(connection, periods).iter_rows(named=True):
            budget = by_name.get(row["budget"])
            if budget is not None and row["period_end"] >= row["data_through"] - _AFTER_THE_END:
                yield from _crossings(budget, row)


def _crossings(budget: Budget, row: dict[str, Any]) -> Iterator[Notice]:
    """The notices of the highest threshold that a budget has crossed, and the highest that it is forecast to cross."""
    amount, expected = row["amount"], row["forecast_median"]
    spent = max((share for share in budget.thresholds if row["actual"] >= share * amount), default=_ZERO)
    if spent:
        yield _crossing(budget, row, "actual", spent)
    if expected is not None and row["period_end"] > row["data_through"]:
        ahead = [share for share in budget.forecast_thresholds if row["actual"] < share * amount <= expected]
        if ahead:
            yield _crossing(budget, row, "forecast", max(ahead))


def _crossing(budget: Budget, row: dict[str, Any], kind: budget_events.Kind, threshold: Decimal) -> Notice:
    return budget_events.budget_threshold(
        BudgetCrossing(
            budget=budget.name,
            owner=budget.owner,
            period=row["period"],
            unit=row["unit"],
            kind=kind,
            threshold=threshold,
            amount=row["amount"],
            actual=row["actual"],
            forecast_median=row["forecast_median"],
            forecast_p10=row["forecast_p10"],
            forecast_p90=row["forecast_p90"],
            probability=row["overrun_probability"],
            expected_overrun=row["overrun_date"],
            data_through=row["data_through"],
            is_over=row["period_end"] <= row["data_through"],
        )
    )
