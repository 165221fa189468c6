"""`[[cost_centers.invoices]]`: what CircleCI billed for a period. Comparing it with costs is `reconciliation`'s job."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from circleci_cost.day_ranges import DayRange
from circleci_cost.model.credits.billing_cycles import cycle_of_month
from circleci_cost.model.credits.definition import Day
from circleci_cost.sections.section import Label, Section

_MONTH = re.compile(r"20\d{2}-(0[1-9]|1[0-2])")
_DAYS = re.compile(r"(20\d{2}-\d{2}-\d{2})/(20\d{2}-\d{2}-\d{2})")
# A credit note is negative.
Billed: TypeAlias = Annotated[Decimal, Field(max_digits=18, decimal_places=6)]


def _period(value: str) -> str:
    how = 'write the month in which the billing cycle begins, such as "2026-10", or two days, "2026-10-05/2026-11-04"'
    if _MONTH.fullmatch(value):
        return value
    match = _DAYS.fullmatch(value)
    try:
        if match is None:
            raise ValueError(value)
        first, last = (date.fromisoformat(day) for day in match.groups())
    except ValueError:
        raise ValueError(how) from None
    if last < first:
        raise ValueError("the last day lies before the first one; exchange them")
    return value


class InvoiceLines(Section):
    """`[cost_centers.invoices.lines]`: what of the amount is billed apart from credits, in USD."""

    seats: Billed | None = None
    storage: Billed | None = None
    network: Billed | None = None
    tax: Billed | None = None


class Invoice(Section):
    """`[[cost_centers.invoices]]`: the amount for a billing cycle or for days; `issued` is when it was made out."""

    period: Annotated[str, AfterValidator(_period)]
    amount: Billed
    number: Label | None = None
    issued: Day | None = None
    lines: InvoiceLines = InvoiceLines()

    def days(self, billing_day: int) -> DayRange:
        """The days that it bills."""
        if match := _DAYS.fullmatch(self.period):
            return DayRange(*(date.fromisoformat(day) for day in match.groups()))
        year, month = map(int, self.period.split("-"))
        return cycle_of_month(year, month, billing_day)

    def made_out(self, billing_day: int) -> date:
        """The day on which it was made out: `issued`, else the day after the period."""
        return self.issued or self.days(billing_day).last + timedelta(days=1)


def invoice_mistake(invoices: Sequence[Invoice], billing_day: int) -> tuple[int, str] | None:
    """The position and the mistake of an invoice that is written twice or bills a part of another one's days."""
    for index, invoice in enumerate(invoices):
        for position, earlier in enumerate(invoices[:index]):
            days, other = invoice.days(billing_day), earlier.days(billing_day)
            if invoice == earlier or (invoice.number is not None and invoice.number == earlier.number):
                return index, f"this is the invoice of invoices[{position}] again; take one out, or correct its number"
            if days != other and days.first <= other.last and other.first <= days.last:
                return index, (
                    f"the period {days} overlaps {other} of invoices[{position}], so days would be billed twice; "
                    "correct one of them, or write both for the whole time"
                )
    return None
