"""How amounts are written: rounded and grouped for people, exactly for programs.

Decimals in, text out; a small amount is never shown as zero. Callers add the words around an amount, and nothing is
summed here. `units` writes numbers of things, bytes and seconds.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal

UNPRICED = "unpriced"
_CENT, _FINE = Decimal("0.01"), Decimal("0.0001")
_ONE, _TENTH = Decimal(1), Decimal("0.1")
# Changes below this are shown in hundredths of a cent.
_SMALL = Decimal("0.10")
_COST_DECIMALS = 6
_PRICE_DECIMALS = 10
# Wide enough for the largest sum.
WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)


def dollars(cost: Decimal | None) -> str:
    """A cost to the cent, `$1,234.50`, `-$3.00`, `<$0.01`; `unpriced` for what has no price."""
    return UNPRICED if cost is None else _rounded(cost, _CENT, before="$")


def small_dollars(amount: Decimal) -> str:
    """Dollars to the hundredth of a cent, such as a cost per minute: `$0.0124`."""
    return _rounded(amount, _FINE, before="$")


def signed(change: Decimal) -> str:
    """A change with its sign, to the cent; small ones to the hundredth of a cent: `+$12.00`, `-$0.0125`."""
    return _rounded(change, change_unit(change), before="$", plus="+")


def change_unit(change: Decimal) -> Decimal:
    """The unit that a change in dollars is rounded to: a cent, or a hundredth of one for small changes."""
    return _CENT if change == 0 or abs(change) >= _SMALL else _FINE


def change_text(before: Decimal, change: Decimal) -> str:
    """A change and its share of the amount before: `+$12.00 (+5.0 %)`; without the share where that was zero."""
    if before <= 0 or change == 0:
        return signed(change)
    share = WIDE.divide(change, before)
    return f"{signed(change)} ({signed_percent(share, 0 if abs(change) >= before / 10 else 1)})"


def written(amount: Decimal) -> str:
    """An amount in dollars that is rounded already, with its sign and as many decimals as it has."""
    sign = "+" if amount > 0 else "-" if amount < 0 else ""
    return f"{sign}${amount.copy_abs():,f}"


def exact_dollars(cost: Decimal | None) -> str:
    """A cost to its last digit, grouped: `$17,444.613550`."""
    if cost is None:
        return UNPRICED
    sign, digits = _parted(cost_text(cost))
    return f"{sign}${_grouped(digits)}"


def exact_number(amount: Decimal) -> str:
    """Credits or another number to the last digit, grouped: `29,344,547`, `1,234.5`."""
    sign, digits = _parted(credits_text(amount))
    return f"{sign}{_grouped(digits)}"


def whole_number(amount: Decimal) -> str:
    """Credits rounded to whole ones: `1,235`, `<1`. Split credits have many decimals; exact sums stand below tables."""
    return _rounded(amount, _ONE)


def in_unit(amount: Decimal, unit: str, credits_word: str = "credits") -> str:
    """An amount in `USD`, to the cent, or in whole `credits`."""
    return dollars(amount) if unit == "USD" else f"{whole_number(amount)} {credits_word}"


def price(amount: Decimal) -> str:
    """Dollars per credit as they are configured, `$0.0006`, never with an exponent."""
    return f"${credits_text(amount)}"


def mean_price(amount: float) -> str:
    """A price that is an average: to eight decimals, or to ten where it is smaller than that."""
    near = f"{amount:.8f}".rstrip("0").rstrip(".")
    return f"${near}" if amount == 0 or float(near) else f"${amount:.{_PRICE_DECIMALS}f}".rstrip("0").rstrip(".")


def mean_count(number: float) -> str:
    """A count that may be an average: `1,250`, `12.5`, `<0.1`."""
    if number >= 100 or number == round(number):
        return f"{number:,.0f}"
    return _rounded(Decimal(str(number)), _TENTH)


def percent(share: Decimal | float, decimals: int = 0, *, trimmed: bool = False) -> str:
    """A share as percent, `84 %`; `trimmed` drops decimals that are zero. It never rounds to 0 % or 100 %: `<1 %`."""
    unit = _ONE.scaleb(-decimals)
    exact = Decimal(str(share)) * 100 if isinstance(share, float) else WIDE.multiply(share, Decimal(100))
    rounded = WIDE.quantize(exact, unit)
    if rounded == 100 and exact < 100:
        return f">{WIDE.subtract(Decimal(100), unit):f} %"
    if trimmed and rounded == rounded.to_integral_value() and (rounded != 0 or exact == 0):
        unit = _ONE
    return f"{_rounded(exact, unit)} %"


def signed_percent(share: Decimal, decimals: int = 0) -> str:
    """A relative change, `+12 %`, `-<1 %`."""
    return f"{_rounded(WIDE.multiply(share, Decimal(100)), _ONE.scaleb(-decimals), plus='+')} %"


def cost_text(cost: Decimal | None) -> str | None:
    """Write a cost exactly for programs, with at least six decimals; None for what has no price."""
    if cost is None:
        return None
    whole_part, _, decimals = _plain(cost).partition(".")
    return f"{whole_part}.{decimals.rstrip('0'):0<{_COST_DECIMALS}}"


def credits_text(credits: Decimal) -> str:
    """Write a number exactly for programs: no exponent, no separators, without decimals where it is whole."""
    whole_part, _, decimals = _plain(credits).partition(".")
    kept = decimals.rstrip("0")
    return f"{whole_part}.{kept}" if kept else whole_part


def exact(amount: Decimal | None) -> str | None:
    """An amount for programs; None for what has no price."""
    return None if amount is None else credits_text(amount)


def _plain(amount: Decimal) -> str:
    # `plus` drops the sign of a zero.
    return f"{WIDE.plus(amount):f}"


def _rounded(amount: Decimal, unit: Decimal, *, before: str = "", plus: str = "") -> str:
    sign = plus if amount > 0 else "-" if amount < 0 else ""
    size = WIDE.quantize(amount.copy_abs(), unit)
    if size == 0 and amount != 0:
        return f"{sign}<{before}{unit:f}"
    return f"{sign}{before}{size:,f}"


def _parted(number: str | None) -> tuple[str, str]:
    text = number or "0"
    return ("-", text[1:]) if text.startswith("-") else ("", text)


def _grouped(digits: str) -> str:
    whole_part, point, decimals = digits.partition(".")
    return f"{int(whole_part):,}{point}{decimals}"
