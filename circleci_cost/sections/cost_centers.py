"""`[[cost_centers]]`: who pays CircleCI, with which token, and at which prices."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from circleci_cost.model.pricing import PricePeriod, overlaps, say_ranges
from circleci_cost.sections.section import Name, Section, VariableName

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SLUG = re.compile(r"(gh|github|bb|bitbucket|circleci)/[^/\s]+")
_PLAUSIBLE_PRICES = (Decimal("0.00001"), Decimal("0.01"))
_PRICE_DECIMALS = 10
_LAST_DECIMAL = Decimal(1).scaleb(-_PRICE_DECIMALS)
# So long before a token or a price ends, somebody is told.
TOKEN_WARNING_DAYS = 14


def _uuid(value: str) -> str:
    lower = value.strip().lower()
    if _SLUG.match(lower):
        raise ValueError(
            "this is a slug, and the API wants the organization's UUID: copy it from CircleCI, "
            "Organization Settings → Overview, or let `circleci-cost init` find it"
        )
    if not _UUID.fullmatch(lower):
        raise ValueError("this is no UUID; copy it from CircleCI, Organization Settings → Overview")
    return lower


def _slug(value: str) -> str:
    if not _SLUG.fullmatch(value):
        raise ValueError("write it as gh/<name>, bb/<name> or circleci/<id>")
    return value


class Pricing(Section):
    """`[[cost_centers.pricing]]`: a contracted price; without `effective_until` it is the ongoing one."""

    # DECIMAL(18,10) holds it.
    price_per_credit: Annotated[Decimal, Field(gt=0, lt=Decimal(10**8))]
    effective_from: date
    effective_until: date | None = None
    confirm: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.effective_until and self.effective_until < self.effective_from:
            raise ValueError(f"effective_until {self.effective_until} lies before effective_from {self.effective_from}")
        if self.price_per_credit != self.price_per_credit.quantize(_LAST_DECIMAL):
            raise ValueError(f"price_per_credit has more than {_PRICE_DECIMALS} decimals and would have to be rounded")
        low, high = _PLAUSIBLE_PRICES
        if not self.confirm and not low <= self.price_per_credit <= high:
            raise ValueError(
                f"price_per_credit {self.price_per_credit} is outside {low} to {high} USD per credit (list price: "
                "0.0006); correct it, or add confirm = true if it is right"
            )
        return self


class CostCenter(Section):
    """`[[cost_centers]]`: one token, one paying organization, those on its plan, one price timeline."""

    name: Name
    organization_id: Annotated[str, AfterValidator(_uuid)]
    slug: Annotated[str, AfterValidator(_slug)] | None = None
    api_token_env: VariableName = "CIRCLECI_TOKEN"  # noqa: S105 - a name, no secret
    # CircleCI tells nobody when a token ends; whoever makes one knows.
    api_token_expires: date | None = None
    shared_organization_ids: tuple[Annotated[str, AfterValidator(_uuid)], ...] = ()
    # An export holds what its plan paid for, so that an organization that nobody named is cost of the plan, too.
    unknown_organizations: Literal["refuse", "report"] = "refuse"
    pricing: tuple[Pricing, ...] = ()

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
            raise ValueError(
                f"the prices {earlier.price_per_credit} ({earlier.days()}) and {later.price_per_credit} "
                f"({later.days()}) overlap on {say_ranges([days])}; end the earlier one the day before the "
                "later one begins"
            )
        repeated = {each for each in self.organizations if self.organizations.count(each) > 1}
        if repeated:
            raise ValueError(f"organization {', '.join(sorted(repeated))} is named twice")
        return self
