"""The amount of each budget in each period, and warnings about missing or excessive amounts.

Comparing them with costs is `status`' job.
"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

import polars as pl

from circleci_cost.model.budgets.definition import Budget
from circleci_cost.model.budgets.findings import Finding
from circleci_cost.model.budgets.periods import next_period, period_of, periods_between
from circleci_cost.text.amounts import exact_number
from circleci_cost.text.lists import some_of

AMOUNT = pl.Decimal(38, 6)
AMOUNTS_SCHEMA: dict[str, pl.DataType] = {
    "budget": pl.String(),
    "owner": pl.String(),
    "parent": pl.String(),
    "unit": pl.String(),
    "period_kind": pl.String(),
    "period": pl.String(),
    "period_start": pl.Date(),
    "period_end": pl.Date(),
    "amount": AMOUNT,
    "at_risk_forecast": AMOUNT,
    "at_risk_probability": AMOUNT,
}
# A missing amount is warned of this long before its period begins.
_WARNED_BEFORE = timedelta(days=31)
_NAMED = 5


def amount_on(budget: Budget, day: date) -> Decimal | None:
    """The amount of the period that begins on this day; None where the budget has none."""
    for entry in budget.timeline:
        if (entry.from_ or date.min) <= day <= (entry.until or date.max):
            return entry.amount
    return None


def amounts(budgets: Sequence[Budget], first: date, today: date) -> pl.DataFrame:
    """The periods with an amount, from the one that contains `first` to the one that contains `today`.

    Out: `AMOUNTS_SCHEMA` [budget × period], in the order of the budgets and of time.
    """
    periods = {kind: periods_between(kind, first, today) for kind in {budget.period for budget in budgets}}
    rows = [
        (
            budget.name,
            budget.owner,
            budget.parent,
            budget.unit,
            period.kind,
            period.label,
            period.first,
            period.last,
            amount,
            budget.at_risk_forecast,
            budget.at_risk_probability,
        )
        for budget in budgets
        for period in periods[budget.period]
        if (amount := amount_on(budget, period.first)) is not None
    ]
    return pl.DataFrame(rows, schema=AMOUNTS_SCHEMA, orient="row")


def amount_findings(budgets: Sequence[Budget], first: date, today: date) -> list[Finding]:
    """Periods without an amount, and children that may spend more than their parent."""
    return [*_missing_amounts(budgets, first, today), *_children_beyond_parents(budgets, today)]


def _missing_amounts(budgets: Sequence[Budget], first: date, today: date) -> Iterable[Finding]:
    for budget in budgets:
        current = period_of(budget.period, today)
        coming = next_period(current)
        periods = [
            *periods_between(budget.period, first, today),
            *([coming] if coming.first - today <= _WARNED_BEFORE else []),
        ]
        with_amount = [amount_on(budget, period.first) is not None for period in periods]
        # Periods before the first amount need none; a budget without any amount only needs one from now on.
        begun = with_amount.index(True) if any(with_amount) else periods.index(current)
        missing = [
            period.label
            for period, has_amount in zip(periods[begun:], with_amount[begun:], strict=True)
            if not has_amount
        ]
        if missing:
            yield Finding(
                budget.name,
                "no_amount",
                f"the budget {budget.name!r} has no amount for {some_of(missing, _NAMED)} and is not judged there; an "
                "amount is for the periods that begin within its from and until",
            )


def _children_beyond_parents(budgets: Sequence[Budget], today: date) -> Iterable[Finding]:
    for parent in budgets:
        children = [budget for budget in budgets if budget.parent == parent.name]
        period = period_of(parent.period, today)
        whole = amount_on(parent, period.first)
        parts = [amount for child in children if (amount := amount_on(child, period.first)) is not None]
        total = sum(parts, start=Decimal(0))
        if whole is not None and total > whole:
            yield Finding(
                parent.name,
                "children_exceed_parent",
                f"the budgets below {parent.name!r} add up to {exact_number(total)} {parent.unit} in {period.label}, "
                f"more than its own {exact_number(whole)}; raise it or lower theirs",
            )
