"""How amounts are written for people: dollars to the cent, credits and shares. Exact values travel beside them.

Decimals in, text out; nothing is added up here.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from circleci_cost.model import report

_CENT = Decimal("0.01")
_TENTH = Decimal("0.1")
# The context only has to be wide enough for the largest sum.
_WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)


def dollars(cost: Decimal | None) -> str:
    """A cost to the cent, `$1,234.50`; `unpriced` for what has no price."""
    if cost is None:
        return "unpriced"
    cents = _WIDE.quantize(cost, _CENT)
    # A loss of less than half a cent is no loss to read about.
    return f"-${-cents:,}" if cents < 0 else f"${abs(cents):,}"


def credits(amount: Decimal) -> str:
    """Credits exactly, `1,234.5 credits`."""
    whole, point, decimals = report.credits_text(amount).partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.lstrip('-')):,}{point}{decimals} credits"


def amount_text(amount: Decimal, unit: str) -> str:
    """An amount in `USD`, to the cent, or in whole `credits`."""
    return dollars(amount) if unit == "USD" else f"{_WIDE.quantize(amount, Decimal(1)):,} credits"


def percent(share: Decimal) -> str:
    """A share as `12.5 %`, without decimals where there are none."""
    found = _WIDE.quantize(share * 100, _TENTH)
    return f"{found:,.0f} %" if found == found.to_integral_value() else f"{found:,} %"


def change_text(now: Decimal, before: Decimal) -> str:
    """By how much a cost has changed: `+$12.00 (+5 %)`; without the share where there was nothing before."""
    difference = _WIDE.subtract(now, before)
    sign = "+" if difference > 0 else ""
    absolute = f"{sign}{dollars(difference)}"
    if before <= 0 or difference == 0:
        return absolute
    return f"{absolute} ({sign}{percent(_WIDE.divide(difference, before))})"


def exact(amount: Decimal | None) -> str | None:
    """An amount for machines: all its digits, no exponent; None for what has no price."""
    return None if amount is None else report.credits_text(amount)
