"""`[[cost_centers]]`: who pays CircleCI, with which token, and at which prices."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from circleci_cost.day_ranges import say_ranges
from circleci_cost.model.credits.definition import Plan, Purchase, repetition, say_repetition
from circleci_cost.model.credits.invoices import Invoice, invoice_mistake
from circleci_cost.model.pricing.price_periods import PricePeriod, overlaps
from circleci_cost.sections.section import FilePath, Name, Section, VariableName, mistake_within

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SLUG = re.compile(r"(gh|github|bb|bitbucket|circleci)/[^/\s]+")
# $15 per 25,000 credits, without any volume discount.
LIST_PRICE = Decimal("0.0006")
_PLAUSIBLE_PRICES = (Decimal("0.00001"), Decimal("0.01"))
# DECIMAL(18,10) holds every price below this.
_HIGHEST_PRICE = Decimal(10**8)
_PRICE_DECIMALS = 10
_LAST_DECIMAL = Decimal(1).scaleb(-_PRICE_DECIMALS)
# How many days before a token expires or a price ends a warning is given.
TOKEN_WARNING_DAYS = 30


def organization_uuid(value: str) -> str:
    """Return the id in lower case. Raises `ValueError` where it is no UUID."""
    lower = value.strip().lower()
    if _SLUG.match(lower):
        raise ValueError(
            "this is a slug, and the API wants the organization's UUID: copy it from CircleCI, "
            "Organization Settings → Overview, or let `circleci-cost init` find it"
        )
    if not _UUID.fullmatch(lower):
        raise ValueError("this is no UUID; copy it from CircleCI, Organization Settings → Overview")
    return lower


def organization_slug(value: str) -> str:
    """Return the slug unchanged. Raises `ValueError` where it is no slug."""
    if not _SLUG.fullmatch(value):
        raise ValueError("write it as gh/<name>, bb/<name> or circleci/<id>")
    return value


def price_per_credit(value: Decimal) -> Decimal:
    """Return the price unchanged; a free plan's is 0. Raises `ValueError` for a price that no contract can have."""
    if not value.is_finite() or not 0 <= value < _HIGHEST_PRICE:
        raise ValueError("this is no price; write USD per credit, such as 0.0006, or 0 for a free plan")
    if value != value.quantize(_LAST_DECIMAL):
        raise ValueError(f"price_per_credit has more than {_PRICE_DECIMALS} decimals and would have to be rounded")
    return value


def doubt_about(price: Decimal) -> str:
    """Why a price is probably a typing mistake; empty where it is plausible."""
    low, high = _PLAUSIBLE_PRICES
    if not price or low <= price <= high:
        return ""
    return f"price_per_credit {price} is outside {low} to {high} USD per credit (list price: {LIST_PRICE})"


class Pricing(Section):
    """`[[cost_centers.pricing]]`: a contracted price; without `effective_until` it is ongoing."""

    price_per_credit: Annotated[Decimal, Field(ge=0, lt=_HIGHEST_PRICE)]
    effective_from: date
    effective_until: date | None = None
    confirm: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.effective_until and self.effective_until < self.effective_from:
            raise ValueError(f"effective_until {self.effective_until} lies before effective_from {self.effective_from}")
        price_per_credit(self.price_per_credit)
        if not self.confirm and (doubt := doubt_about(self.price_per_credit)):
            raise ValueError(f"{doubt}; correct it, or add confirm = true if it is right")
        return self


class CostCenter(Section):
    """`[[cost_centers]]`: one token, one paying organization, the organizations on its plan, one price timeline."""

    name: Name
    organization_id: Annotated[str, AfterValidator(organization_uuid)]
    slug: Annotated[str, AfterValidator(organization_slug)] | None = None
    api_token_env: VariableName = "CIRCLECI_TOKEN"  # noqa: S105 - a name, no secret
    # CircleCI does not report when a token expires; whoever creates it knows.
    api_token_expires: date | None = None
    shared_organization_ids: tuple[Annotated[str, AfterValidator(organization_uuid)], ...] = ()
    # An export holds everything that its plan paid for: usage of an organization not named here is its cost, too.
    unknown_organizations: Literal["refuse", "report"] = "refuse"
    pricing: tuple[Pricing, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    purchase_files: tuple[FilePath, ...] = ()
    plan: Plan = Plan()
    invoices: tuple[Invoice, ...] = ()

    @property
    def organizations(self) -> tuple[str, ...]:
        """The ids of all organizations whose rows belong to this cost center."""
        return (self.organization_id, *self.shared_organization_ids)

    @property
    def price_periods(self) -> list[PricePeriod]:
        """The price timeline as rows."""
        return [
            PricePeriod(self.name, period.effective_from, period.effective_until, period.price_per_credit)
            for period in self.pricing
        ]

    @model_validator(mode="after")
    def _check(self) -> Self:
        for earlier, later, days in overlaps(self.price_periods):
            # Point at the earlier entry: it is the one to end.
            raise mistake_within(
                ("pricing", self.price_periods.index(earlier)),
                f"the prices {earlier.price_per_credit} ({earlier.days()}) and {later.price_per_credit} "
                f"({later.days()}) overlap on {say_ranges([days])}; end the earlier one the day before the "
                "later one begins",
            )
        for index, shared_id in enumerate(self.shared_organization_ids):
            if shared_id in self.organizations[: index + 1]:
                raise mistake_within(
                    ("shared_organization_ids", index),
                    f"organization {shared_id} is named twice; leave it in one place",
                )
        if twice := repetition(self.purchases, self.plan):
            first = None if twice.earlier is None else f"purchases[{twice.earlier}]"
            raise mistake_within(("purchases", twice.later), say_repetition(self.purchases[twice.later].date, first))
        if mistake := invoice_mistake(self.invoices, self.plan.billing_day):
            index, message = mistake
            raise mistake_within(("invoices", index), message)
        return self
