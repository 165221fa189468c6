"""What is worth knowing of a file of infrastructure costs beside its costs, in a form that can be kept as JSON.

The costs themselves are `cost_files`'s business, where facts are kept `lake.infrastructure_state`'s.
"""

from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from circleci_cost.model.infrastructure.definition import USD
from circleci_cost.model.infrastructure.layout import NONE
from circleci_cost.text.amounts import dollars


class LeftOut(BaseModel):
    """Rows of a billing period, category and currency that are no cost of a day, and what is billed for them."""

    model_config = ConfigDict(frozen=True)

    period: date | None
    charge_category: str | None
    currency: str | None
    cost: Decimal
    rows: int


class FileFacts(BaseModel):
    """The billing `periods` of a file, what is `left_out` of it, and counts of rows that may need a word.

    `effective` and `billed` count rows whose amount of that kind is not 0, of those that have an effective cost.
    """

    model_config = ConfigDict(frozen=True)

    periods: tuple[date, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    effective: int = 0
    billed: int = 0
    unread_tags: int = 0

    def without(self, periods: Collection[date]) -> "FileFacts":
        """The facts of a file of which these billing periods do not count."""
        kept = tuple(each for each in self.left_out if each.period not in periods)
        return self.model_copy(update={"left_out": kept})


def left_out_of(facts: Iterable[FileFacts]) -> list[tuple[str, int, str]]:
    """What several files leave out: category, rows, and amounts such as "$720.00" by currency."""
    rows: dict[str, int] = {}
    sums: dict[str, dict[str, Decimal]] = {}
    for each in (one for fact in facts for one in fact.left_out):
        category, currency = each.charge_category or NONE, each.currency or NONE
        rows[category] = rows.get(category, 0) + each.rows
        amounts = sums.setdefault(category, {})
        amounts[currency] = amounts.get(currency, Decimal(0)) + each.cost
    return [
        (category, rows[category], ", ".join(_money(*each) for each in sorted(sums[category].items())))
        for category in sorted(rows)
    ]


def remarks_on(facts: Iterable[FileFacts]) -> list[str]:
    """What a user should know of files that could be read; nothing where they are as they should be."""
    known = list(facts)
    found = []
    if not any(each.effective for each in known) and (billed := sum(each.billed for each in known)):
        found.append(
            f"EffectiveCost is 0 in all rows, BilledCost is not in {billed:,} of them; if the provider does not fill "
            'EffectiveCost, write cost = "billed" in the [[infrastructure]] section'
        )
    if unread := sum(each.unread_tags for each in known):
        found.append(
            f'Tags of {unread:,} rows are no JSON object such as {{"team": "web"}}; their costs are under {NONE}'
        )
    return found


def _money(currency: str, amount: Decimal) -> str:
    return dollars(amount) if currency == USD else f"{currency} {amount:,.2f}"
