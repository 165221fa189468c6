"""What a cost center bought: `[[cost_centers.purchases]]`, and what its plan adds by itself: `[cost_centers.plan]`.

CircleCI has no API for any of it, so people write it down. Turning it into lots is the job of `purchases`.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple, Self, TypeAlias

from pydantic import AfterValidator, Field, model_validator

from circleci_cost.days import EARLIEST_USAGE, months_later
from circleci_cost.sections.section import Label, Section, mistake_within
from circleci_cost.text.amounts import exact

# What is added to a balance: bought once, a tranche of an annual plan, free credits of a plan, an automatic refill.
Kind = Literal["purchase", "allocation", "bonus", "refill"]
# Credits are valid for one year from their purchase (CircleCI's support, "Frequently Asked Credit Questions").
VALID_MONTHS = 12
# One credit package, the least that a refill buys (same source).
PACKAGE = Decimal(25_000)
# What a seat beyond the included ones costs in a billing cycle (CircleCI's price list; 40,000 on Scale plans).
SEAT = Decimal(25_000)
_LATEST = date(2099, 12, 31)
# USD per credit. The list price is 0.0006: only credits and usd that were exchanged give more.
_DEAREST = 1


def _plausible(value: date) -> date:
    if not EARLIEST_USAGE <= value <= _LATEST:
        raise ValueError(f"write a day from {EARLIEST_USAGE} to {_LATEST}")
    return value


Day: TypeAlias = Annotated[date, AfterValidator(_plausible)]
# DECIMAL(19,6) of the warehouse holds them, and 64 bits hold their millionths.
Credits: TypeAlias = Annotated[Decimal, Field(gt=0, max_digits=18, decimal_places=6)]
Usd: TypeAlias = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]


def _refuse_dear(credits: Decimal, usd: Decimal) -> None:
    """Raise `ValueError` for a price that no credits have."""
    if usd > credits * _DEAREST:
        raise ValueError(
            f"{exact(usd)} USD for {exact(credits)} credits is more than {_DEAREST} USD per credit; exchange "
            "credits and usd, or correct one of them"
        )


class Purchase(Section):
    """`[[cost_centers.purchases]]`: credits that can be used from `date` on; `expires` is the last day.

    Without `expires`, bonus credits hold until the end of their billing cycle, all others for a year. `usd` is what
    was paid for them all.
    """

    date: Day
    credits: Credits
    usd: Usd | None = None
    expires: Day | None = None
    kind: Kind = "purchase"
    invoice: Label | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.expires and self.expires < self.date:
            raise ValueError(f"expires {self.expires} lies before date {self.date}; correct one of them")
        if self.kind == "bonus" and self.usd:
            raise ValueError('bonus credits are free; leave usd out, or write kind = "purchase"')
        if self.kind != "bonus" and self.usd is None:
            raise ValueError("usd is missing; write what was paid for these credits, 0 if they were free")
        _refuse_dear(self.credits, self.usd or Decimal(0))
        return self


class AllocationSchedule(Section):
    """`[[cost_centers.plan.allocations]]`: the same tranche on fixed dates; unused credits do not move the next date.

    `credits` and `usd` are those of one tranche, which is valid for `valid_months`.
    """

    first: Day
    every_months: Annotated[int, Field(ge=1, le=60)]
    count: Annotated[int, Field(ge=1, le=120)]
    credits: Credits
    usd: Usd
    valid_months: Annotated[int, Field(ge=1, le=120)] = VALID_MONTHS
    invoice: Label | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        _refuse_dear(self.credits, self.usd)
        return self

    @property
    def dates(self) -> list[date]:
        """The days on which the tranches arrive."""
        return [months_later(self.first, self.every_months * position) for position in range(self.count)]


class Allowance(Section):
    """`[[cost_centers.plan.allowances]]`: free credits of every billing cycle, which end with it."""

    credits: Credits
    from_: Day = Field(alias="from")
    until: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until and self.until < self.from_:
            raise ValueError(f"until {self.until} lies before from {self.from_}; exchange them")
        return self


class Plan(Section):
    """`[cost_centers.plan]`: what the plan adds to the balance by itself, and what it does at the end of the credits.

    A refill buys `share` of `credits` once the balance has fallen to `threshold` of them; `credits` is the size of the
    subscription. Seats beyond `seats_included` are usage: the export has the `seat_credits` of each, so that neither
    key changes a sum.
    """

    # CircleCI bills from this day of a month to the day before it in the next.
    billing_day: Annotated[int, Field(ge=1, le=31)] = 1
    auto_refill: bool = False
    credits: Credits | None = None
    share: Annotated[Decimal, Field(gt=0, le=10, decimal_places=6)] = Decimal("0.25")
    threshold: Annotated[Decimal, Field(ge=0, lt=1, decimal_places=6)] = Decimal(0)
    seats_included: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    seat_credits: Credits = SEAT
    # The share of an invoice that may stay unexplained before a check warns.
    max_unexplained: Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)] = Decimal("0.02")
    allocations: tuple[AllocationSchedule, ...] = ()
    allowances: tuple[Allowance, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        taken: dict[date, int] = {}
        for index, schedule in enumerate(self.allocations):
            for day in schedule.dates:
                if day in taken:
                    raise mistake_within(
                        ("allocations", index),
                        f"this schedule and allocations[{taken[day]}] both allocate credits on {day}; end the earlier "
                        "one with count, or move first",
                    )
            taken |= dict.fromkeys(schedule.dates, index)
        for index, allowance in enumerate(self.allowances):
            for position, earlier in enumerate(self.allowances[:index]):
                common = max(allowance.from_, earlier.from_)
                if common <= min(allowance.until or _LATEST, earlier.until or _LATEST):
                    raise mistake_within(
                        ("allowances", index),
                        f"this allowance and allowances[{position}] both hold on {common}, so their credits would add "
                        "up; end one of them with until, or write their sum as one",
                    )
        return self


class Repetition(NamedTuple):
    """Credits that would count twice: the positions of both entries; `earlier` is None for the schedule."""

    later: int
    earlier: int | None


def repetition(purchases: Sequence[Purchase], plan: Plan) -> Repetition | None:
    """The first purchase that is written down already: as the same entry, or as an allocation of the plan."""
    places: dict[Purchase, int] = {}
    scheduled = {day for schedule in plan.allocations for day in schedule.dates}
    for index, purchase in enumerate(purchases):
        if purchase in places:
            return Repetition(index, places[purchase])
        if purchase.kind == "allocation" and purchase.date in scheduled:
            return Repetition(index, None)
        places[purchase] = index
    return None


def say_repetition(day: date, first: str | None) -> str:
    """The mistake in words; `first` names the place of the first entry, None stands for the plan's schedule."""
    if first is None:
        return f"the schedule of the plan allocates credits on {day} already, so they would count twice; take one out"
    return f"{first} is the same purchase, so it would count twice; take one out, or tell them apart by their invoice"
