"""`[[budgets]]`: what may be spent on what, and when people are notified. Computing their state is `status`' job."""

from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from circleci_cost.model.budgets.periods import Period
from circleci_cost.model.usage.condition_definition import EVERYTHING, Conditions
from circleci_cost.sections.dated import Dated
from circleci_cost.sections.section import FilePath, Label, Section, mistake_within

Unit = Literal["USD", "credits"]
Amount = Annotated[Decimal, Field(gt=0, max_digits=24, decimal_places=6)]
# Shares of the amount, such as 0.8.
Threshold = Annotated[Decimal, Field(gt=0, le=100, decimal_places=6)]


class BudgetAmount(Dated):
    """`[[budgets.amounts]]`: the amount of the periods that begin on these days."""

    amount: Amount


class Budget(Section):
    """`[[budgets]]`: one amount for every period, or a list of amounts by date.

    A week is Monday to Sunday, all days are UTC. `seats` false leaves the `user` credits out.
    """

    name: Label
    owner: Label | None = None
    parent: Label | None = None
    where: Conditions = EVERYTHING
    period: Period = "month"
    unit: Unit = "USD"
    amount: Amount | None = None
    amounts: tuple[BudgetAmount, ...] = ()
    seats: bool = True
    thresholds: tuple[Threshold, ...] = (Decimal("0.8"), Decimal(1))
    forecast_thresholds: tuple[Threshold, ...] = (Decimal(1),)
    at_risk_forecast: Threshold = Decimal(1)
    at_risk_probability: Annotated[Decimal, Field(gt=0, le=1, decimal_places=6)] = Decimal("0.5")

    @property
    def timeline(self) -> tuple[BudgetAmount, ...]:
        """The amounts by date; a single amount holds for ever."""
        return self.amounts if self.amount is None else (BudgetAmount(amount=self.amount),)

    @model_validator(mode="after")
    def _amounts(self) -> Self:
        if (self.amount is None) == (not self.amounts):
            raise ValueError("write either amount (for every period) or amounts (a list by date)")
        ordered = sorted(self.amounts, key=lambda amount: amount.from_ or date.min)
        for earlier, later in pairwise(ordered):
            if (earlier.until or date.max) >= (later.from_ or date.min):
                raise mistake_within(
                    ("amounts", self.amounts.index(earlier)),
                    f"the amounts {earlier.amount} and {later.amount} overlap on {later.from_ or 'the first days'}; "
                    "end the earlier one with until, the day before the later one begins",
                )
        return self


class BudgetsFile(Section):
    """`[[budget_files]]`: budgets from a CSV file, one row a budget and amount.

    Columns: `name`, `amount`, and any of `period`, `unit`, `owner`, `parent`, `seats`, `from`, `until`, dimensions
    and tags (an empty cell fits everything). Rows of one name are its amounts by date.
    """

    file: FilePath
