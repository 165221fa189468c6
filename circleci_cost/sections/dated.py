"""The keys `from` and `until`: the days on which an entry of the configuration applies.

Both days are included, and both keys are optional. Periods of budgets are in `model.budgets.periods`.
"""

from datetime import date
from typing import Self

from pydantic import Field, model_validator

from circleci_cost.sections.section import Section


class Dated(Section):
    """A table of the configuration that may apply to some days only."""

    from_: date | None = Field(default=None, alias="from")
    until: date | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.from_ and self.until and self.until < self.from_:
            raise ValueError(f"until {self.until} lies before from {self.from_}; exchange them")
        return self
