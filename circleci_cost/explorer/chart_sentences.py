"""The sentence of a chart: what it shows, in words, for those who do not see the canvas.

The amounts are asked for by the pages; how amounts are written is `text.amounts`.
"""

from decimal import Decimal

from circleci_cost.text.amounts import WIDE, dollars, percent, small_dollars, whole_number


def change_sentence(
    metric: str, total: Decimal | None, before: Decimal | None, *, unit: str, against: str, withheld: str = ""
) -> str:
    """How a total changed: `Cost rose 8 % to $1,234.50 against the 30 days before.`.

    `against` names the period compared with (`the 30 days before`); `withheld` says why there is no comparison. A total
    of None has no price; where there is nothing to compare with, `before` is None.
    """
    if total is None:
        return f"{metric}: unpriced{_because(withheld)}."
    amount = amount_in(total, unit)
    if withheld or before is None:
        return f"{metric}: {amount}{_because(withheld and f'no change is shown, {withheld}')}."
    if total == before:
        return f"{metric} stayed at {amount}, as in {against}."
    if before <= 0:
        return f"{metric}: {amount}, after {amount_in(before, unit)} in {against}."
    change = WIDE.subtract(total, before)
    verb = "rose" if change > 0 else "fell"
    decimals = 0 if abs(change) >= before / 10 else 1
    share = percent(WIDE.divide(abs(change), before), decimals, trimmed=True)
    return f"{metric} {verb} {share} to {amount} against {against}."


def amount_in(amount: Decimal, unit: str) -> str:
    """An amount with its unit: `$1,234.50`, `$0.1250 per run`, `1,235 credits`."""
    if unit == "USD":
        return dollars(amount)
    if unit.startswith("USD "):
        return f"{small_dollars(amount)}{unit.removeprefix('USD')}"
    return f"{whole_number(amount)} {unit}".rstrip()


def _because(reason: str) -> str:
    return f" ({reason})" if reason else ""
