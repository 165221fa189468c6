"""The lots of credits of all cost centers: purchases as they were written down, and what plans add by themselves.

How lots are used is the job of `ledger`; reading files of purchases that of `files`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import polars as pl

from circleci_cost.days import months_later
from circleci_cost.model.credits.billing_cycles import billing_cycle, cycles_between
from circleci_cost.model.credits.definition import VALID_MONTHS, Plan, Purchase
from circleci_cost.model.credits.invoices import Invoice

CREDITS = pl.Decimal(19, 6)
USD = pl.Decimal(18, 6)
# `date` is the first day on which the credits can be used, `expires` the last. `lot` is unique over all cost centers.
LOTS_SCHEMA = pl.Schema(
    {
        "cost_center": pl.String(),
        "lot": pl.String(),
        "kind": pl.String(),
        "date": pl.Date(),
        "expires": pl.Date(),
        "credits": CREDITS,
        "usd": USD,
        "invoice": pl.String(),
    }
)


@dataclass(frozen=True)
class CenterCredits:
    """What one cost center bought, from whichever place, its plan, and its invoices."""

    cost_center: str
    purchases: Sequence[Purchase] = ()
    plan: Plan = field(default_factory=Plan)
    invoices: Sequence[Invoice] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is written down from which credits could come."""
        return not (self.purchases or self.plan.allocations or self.plan.allowances)


def credit_lots(centers: Sequence[CenterCredits], through: date) -> pl.DataFrame:
    """The lots whose credits can be used on `through` or before, `LOTS_SCHEMA`, in the order in which they are used.

    CircleCI uses the oldest credits first (its support, "Frequently Asked Credit Questions"), and names no exception
    for bonus credits. Of lots of one day, those that expire first are used first.
    """
    rows = [
        (center.cost_center, *lot)
        for center in centers
        for lot in (*_entered(center), *_scheduled(center.plan), *_allowed(center.plan, through))
    ]
    columns = [name for name in LOTS_SCHEMA if name != "lot"]
    frame = pl.DataFrame(rows, {name: LOTS_SCHEMA[name] for name in columns}, orient="row")
    return _named(frame.filter(pl.col("date") <= through)).select(LOTS_SCHEMA.keys())


def _named(lots: pl.DataFrame) -> pl.DataFrame:
    """The lots in their order, each with its id: `acme/2026-01-15/purchase`, `acme/2026-01-15/purchase/2`."""
    ordered = lots.sort("cost_center", "date", "expires", "kind", "credits", "usd", "invoice", nulls_last=True)
    same = ("cost_center", "date", "kind")
    number = pl.int_range(1, pl.len() + 1).over(same)
    suffix = pl.when(number > 1).then(pl.format("/{}", number)).otherwise(pl.lit(""))
    return ordered.with_columns(
        lot=pl.concat_str(*(pl.col(name).cast(pl.String) for name in same), separator="/") + suffix
    )


_Lot = tuple[str, date, date, Decimal, Decimal, str | None]


def _entered(center: CenterCredits) -> Iterator[_Lot]:
    for purchase in center.purchases:
        expires = purchase.expires or _last_day(purchase, center.plan)
        yield purchase.kind, purchase.date, expires, purchase.credits, purchase.usd or Decimal(0), purchase.invoice


def _last_day(purchase: Purchase, plan: Plan) -> date:
    if purchase.kind == "bonus":
        # Bonus credits do not roll over: they expire at the end of each billing cycle (same source).
        return billing_cycle(purchase.date, plan.billing_day).last
    return months_later(purchase.date, VALID_MONTHS)


def _scheduled(plan: Plan) -> Iterator[_Lot]:
    for schedule in plan.allocations:
        for day in schedule.dates:
            expires = months_later(day, schedule.valid_months)
            yield "allocation", day, expires, schedule.credits, schedule.usd, schedule.invoice


def _allowed(plan: Plan, through: date) -> Iterator[_Lot]:
    for allowance in plan.allowances:
        last = min(through, allowance.until or through)
        for cycle in cycles_between(allowance.from_, last, plan.billing_day):
            first = max(cycle.first, allowance.from_)
            yield "bonus", first, min(cycle.last, allowance.until or cycle.last), allowance.credits, Decimal(0), None
