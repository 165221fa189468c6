"""Which notices are due after a publication: imports, ending prices and tokens, incidents, credits, budgets, digests.

Reads a published generation and the configuration. `events` and `budget_events` word the notices, `routing` chooses the
channels. Each run yields the same notices again; the outbox drops those it has had before.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from circleci_cost.config.notifications import Cadence, NotificationOwner
from circleci_cost.config.settings import Settings
from circleci_cost.day_ranges import DayRange
from circleci_cost.history.coverage import missing_days
from circleci_cost.lake.layout import Lake
from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.periods import Period, period_of
from circleci_cost.model.pricing.price_gaps import gaps
from circleci_cost.model.usage.condition_definition import EVERYTHING
from circleci_cost.notify import budget_events, events
from circleci_cost.notify.anomaly_occasions import anomaly_notices
from circleci_cost.notify.budget_events import BudgetCrossing, BudgetState, DigestRow
from circleci_cost.notify.credit_occasions import credit_notices, credit_sentences
from circleci_cost.notify.messages import Notice
from circleci_cost.notify.outbox import Outbox
from circleci_cost.text.amounts import WIDE, change_text
from circleci_cost.warehouse.budgets.budget_status import Periods, read_budget_status
from circleci_cost.warehouse.incidents.incidents import INCIDENTS
from circleci_cost.warehouse.publishing.generations import Generation
from circleci_cost.warehouse.reporting.summaries import ProjectCost, import_summary, scope_costs

# How long before it begins a price gap is notified.
_PRICES_AHEAD = timedelta(days=31)
# A threshold crossed in the last days of a period is notified even after its end.
_AFTER_THE_END = timedelta(days=7)
_DIGEST_ROWS = 10
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
            # A digest covers whole days, so it waits until every cost center has data; a budget need not wait.
            through = generation.manifest.data_through
            if through is not None:
                credits = credit_sentences(connection, generation)
                for owner in settings.notifications.owners:
                    # Credits are those of a whole cost center: an owner of a part of it has no use for them.
                    about_all = credits if owner.where == EVERYTHING else []
                    yield from _digest(connection, owner, budgets, through, about_all)


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


def _digest(
    connection: duckdb.DuckDBPyConnection,
    owner: NotificationOwner,
    budgets: tuple[Budget, ...],
    through: date,
    about_all: list[str],
) -> Iterator[Notice]:
    """An owner's digest of the last whole day, week or month; `about_all` are sentences that go with it."""
    if owner.digest is None:
        return
    label, now, before = digest_period(owner.digest, through)
    projects = scope_costs(connection, owner.where, now, before)
    total = DigestRow(
        "total",
        sum((project.cost for project in projects), start=_ZERO),
        sum((project.before for project in projects), start=_ZERO),
    )
    names = {budget.name for budget in budgets if budget.owner == owner.name}
    yield budget_events.digest(
        owner.name,
        label,
        [DigestRow(project.project, project.cost, project.before) for project in projects[:_DIGEST_ROWS]],
        total,
        budgets=[
            BudgetState(
                row["budget"],
                row["period"],
                row["status"],
                row["unit"],
                row["amount"],
                row["actual"],
                row["forecast_median"],
            )
            for row in read_budget_status(connection, Periods.CURRENT).iter_rows(named=True)
            if row["budget"] in names
        ],
        changes=[f"{now} compared with {before}.", *_changes(projects), *about_all],
    )


def digest_period(cadence: Cadence, through: date) -> tuple[str, DayRange, DayRange]:
    """The last period that is complete on `through`, with its label, and the one before it."""
    if cadence == "daily":
        before = through - timedelta(days=1)
        return f"{through}", DayRange(through, through), DayRange(before, before)
    kind: Period = "week" if cadence == "weekly" else "month"
    # The period of the day after is never complete; the one before it always is.
    running = period_of(kind, through + timedelta(days=1))
    last = period_of(kind, running.first - timedelta(days=1))
    earlier = period_of(kind, last.first - timedelta(days=1))
    return last.label, DayRange(last.first, last.last), DayRange(earlier.first, earlier.last)


def _changes(projects: list[ProjectCost]) -> list[str]:
    """Sentences about what stands out: the largest change, new projects, projects without cost now."""
    sentences = []
    largest = projects[0] if projects else None
    if largest is not None and largest.cost != largest.before and largest.before:
        change = change_text(largest.before, WIDE.subtract(largest.cost, largest.before))
        sentences.append(f"The largest change is {largest.project}: {change}.")
    for what, names in (
        ("New", [project.project for project in projects if project.cost and not project.before]),
        ("Without cost now", [project.project for project in projects if project.before and not project.cost]),
    ):
        if names:
            sentences.append(f"{what}: {', '.join(names[:_DIGEST_ROWS])}.")
    return sentences
