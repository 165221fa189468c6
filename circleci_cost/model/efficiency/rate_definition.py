"""`[[resource_class_rates]]`: what a minute of a resource class costs, and how large the class is.

The same section describes the rates that come with the program, in `rates.toml`; which entry holds on a day is `rates`'
job.
"""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from circleci_cost.sections.section import Label, Section, mistake_at

# DECIMAL(18,6) holds every rate below this without rounding.
_MOST_CREDITS = Decimal(10**6)
_DECIMALS = 6


class ResourceClassRate(Section):
    """The rate of one class of one executor, as both are named in an export; without days it always holds.

    `vcpus` and `ram_gb` go together: without them nothing is advised for the class.
    """

    executor: Label
    resource_class: Label
    # Of a class that costs nothing, no other one would save: self-hosted runners are left out anyway.
    credits_per_minute: Annotated[Decimal, Field(gt=0, lt=_MOST_CREDITS)]
    vcpus: Annotated[Decimal, Field(gt=0, le=1024)] | None = None
    ram_gb: Annotated[Decimal, Field(gt=0, le=65536)] | None = None
    effective_from: date | None = None
    effective_until: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether this is the rate of that day."""
        begun = self.effective_from is None or self.effective_from <= day
        return begun and (self.effective_until is None or day <= self.effective_until)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.effective_from and self.effective_until and self.effective_until < self.effective_from:
            raise ValueError(f"effective_until {self.effective_until} lies before effective_from {self.effective_from}")
        if self.credits_per_minute != round(self.credits_per_minute, _DECIMALS):
            raise ValueError(f"credits_per_minute has more than {_DECIMALS} decimals and would have to be rounded")
        if (self.vcpus is None) != (self.ram_gb is None):
            raise ValueError("vcpus and ram_gb go together; write both or neither")
        return self


def refuse_overlaps(rates: Sequence[ResourceClassRate]) -> None:
    """Refuse two rates of one class on one day. Raises a mistake with its place in the file."""
    for index, rate in enumerate(rates):
        for earlier in rates[:index]:
            same = (earlier.executor, earlier.resource_class) == (rate.executor, rate.resource_class)
            common = max(earlier.effective_from or date.min, rate.effective_from or date.min)
            if same and earlier.holds_on(common) and rate.holds_on(common):
                since = "" if common == date.min else f" from {common} on"
                raise mistake_at(
                    ("resource_class_rates", index, "resource_class"),
                    f"there are two rates of {rate.executor} {rate.resource_class}{since}; end one of them with "
                    "effective_until before the other begins",
                )
