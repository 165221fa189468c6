"""Facts about a file of infrastructure costs besides its costs, in a form that can be kept as JSON.

Reading the costs themselves is the job of `cost_files`, keeping the facts that of `lake.infrastructure_state`.
"""

from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from circleci_cost.model.infrastructure.columns import NONE
from circleci_cost.model.infrastructure.definition import USD
from circleci_cost.text.amounts import dollars
from circleci_cost.text.units import counted


class LeftOut(BaseModel):
    """Rows of a billing period, category and currency that are no cost of a day, and their billed cost."""

    model_config = ConfigDict(frozen=True)

    period: date | None
    charge_category: str | None
    currency: str | None
    cost: Decimal
    rows: int


class FileFacts(BaseModel):
    """The billing `periods` of a file, the rows `left_out` of its costs, and counts of rows that users should know of.

    `effective` and `billed` count rows whose amount of that kind is not 0, among those that have an effective cost.
    """

    model_config = ConfigDict(frozen=True)

    periods: tuple[date, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    effective: int = 0
    billed: int = 0
    unread_tags: int = 0

    def without(self, periods: Collection[date]) -> "FileFacts":
        """The facts of the file if these billing periods do not count."""
        kept = tuple(left_out for left_out in self.left_out if left_out.period not in periods)
        return self.model_copy(update={"left_out": kept})


def left_out_of(facts: Iterable[FileFacts]) -> list[tuple[str, int, str]]:
    """What several files leave out, by category: its name, rows, and amounts by currency, such as "$720.00"."""
    rows: dict[str, int] = {}
    sums: dict[str, dict[str, Decimal]] = {}
    for left_out in (left_out for file_facts in facts for left_out in file_facts.left_out):
        category, currency = left_out.charge_category or NONE, left_out.currency or NONE
        rows[category] = rows.get(category, 0) + left_out.rows
        amounts = sums.setdefault(category, {})
        amounts[currency] = amounts.get(currency, Decimal(0)) + left_out.cost
    return [
        (category, rows[category], ", ".join(_money(*amount) for amount in sorted(sums[category].items())))
        for category in sorted(rows)
    ]


def remarks_on(facts: Iterable[FileFacts]) -> list[str]:
    """Sentences about doubtful contents of files that could be read; none where everything is in order."""
    files = list(facts)
    remarks = []
    if not any(file.effective for file in files) and (billed := sum(file.billed for file in files)):
        remarks.append(
            f"EffectiveCost is 0 in all rows, BilledCost is not in {billed:,} of them; if the provider does not fill "
            'EffectiveCost, write cost = "billed" in the [[infrastructure]] section'
        )
    if unread := sum(file.unread_tags for file in files):
        remarks.append(
            f'Tags of {counted(unread, "row")} are no JSON object such as {{"team": "web"}}; their costs are under '
            f"{NONE}"
        )
    return remarks


def _money(currency: str, amount: Decimal) -> str:
    return dollars(amount) if currency == USD else f"{currency} {amount:,.2f}"
