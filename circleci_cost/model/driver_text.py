"""Changes in cost as people read them: drivers in words, amounts with their sign, one sentence for a row.

Exact amounts travel beside them; tables and colours are the command line's.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from circleci_cost.model.driver_effects import DRIVERS
from circleci_cost.model.driver_seats import SEATS

WORDS = {
    "runs": "runs",
    "minutes_per_run": "minutes per run",
    "credits_per_minute": "credits per minute",
    "price": "price per credit",
    "mix": "jobs moved between classes",
    "new": "new jobs",
    "vanished": "vanished jobs",
    "dlc": "Docker layer caching",
    "user": "seats",
    "storage": "storage",
    "network": "network",
    "lease": "leases",
    "lease_overage": "lease overage",
    "ipranges": "IP ranges",
    "other": "other credits",
    "unpriced": "jobs without a price for some days",
}
_ONE_JOB = {"new": "new job", "vanished": "vanished job", "mix": "job moved between classes"}

Row = Mapping[str, Any]

_WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)
_CENT, _FINE = Decimal("0.01"), Decimal("0.0001")
# Changes below this are told in hundredths of a cent.
_SMALL = Decimal("0.10")
_TOLD = 4
_WHOLE_SHARE = 0.95


def sentence(row: Row) -> str:
    """One sentence for a row of `drivers.decompose`: its change, and the drivers from the largest effect down.

    `+$12.34 (+38 %): credits per minute +$11.90 (resource class medium → large), runs +$0.60 (120 → 126), …`. The
    amounts in it add up to the change as it is written.
    """
    reasons = reasons_text(row)
    head = change_text(row["before_usd"], row["change_usd"])
    return f"{head}: {reasons}." if reasons else f"{head}."


def reasons_text(row: Row) -> str:
    """The drivers of a row from the largest effect down, without its change; empty where nothing changed."""
    told = effects_of(row)
    worded = [(amount, *driver_text(name, row, amount)) for name, amount in told[:_TOLD]]
    parts = [f"{words} {written(amount)}{figures}" for amount, words, figures in worded]
    rest = sum((amount for _, amount in told[_TOLD:]), start=Decimal(0))
    if rest != 0:
        parts.append(f"the rest {written(rest)}")
    return ", ".join(parts)


def effects_of(row: Row) -> list[tuple[str, Decimal]]:
    """The drivers of a row with their effects as they are written, the largest first, without those that round to 0."""
    names = sorted((name for name in DRIVERS if row[name] != 0), key=lambda name: (-abs(row[name]), name))
    shown = rounded([row[name] for name in names], row["change_usd"], _unit(row["change_usd"]))
    return [(name, amount) for name, amount in zip(names, shown, strict=True) if amount != 0]


def driver_text(name: str, row: Row, amount: Decimal) -> tuple[str, str]:
    """A driver in words, and its own figures in brackets, where they moved the way that its effect did."""
    one_job = row.get("job") is not None
    return (_ONE_JOB.get(name, WORDS[name]) if one_job else WORDS[name]), _detail(name, row, amount)


def change_text(before: Decimal, change: Decimal) -> str:
    """A change and its share of what it was before: `+$12.00 (+5 %)`; without the share where there was nothing."""
    amount = signed(change)
    if before <= 0 or change == 0:
        return amount
    percent = _WIDE.quantize(
        _WIDE.divide(change * 100, before), Decimal(1) if abs(change) >= before / 10 else Decimal("0.1")
    )
    return f"{amount} ({percent:+,} %)"


def signed(change: Decimal) -> str:
    """An amount with its sign, to the cent; small ones to the hundredth of a cent."""
    unit = _unit(change)
    return written(_WIDE.quantize(change, unit))


def rounded(amounts: Sequence[Decimal], total: Decimal, unit: Decimal) -> list[Decimal]:
    """Round amounts that add up to a total, so that they add up to the rounded total: by largest remainder."""
    floors = [amount.quantize(unit, rounding=ROUND_FLOOR, context=_WIDE) for amount in amounts]
    missing = int((_WIDE.quantize(total, unit) - sum(floors, start=Decimal(0))) / unit)
    by_remainder = sorted(range(len(amounts)), key=lambda place: (floors[place] - amounts[place], place))
    for place in by_remainder[:missing]:
        floors[place] += unit
    return floors


def place_text(row: Row, levels: Sequence[str]) -> str:
    """Where a row is: `project data-platform, workflow nightly, job train-model`; `everything` without a level."""
    if row.get("project") == SEATS:
        levels = [level for level in levels if row.get(level) != SEATS]
        return ", ".join([*(f"{level.replace('_', ' ')} {row[level]}" for level in levels), "seats"])
    named = [f"{level.replace('_', ' ')} {row[level]}" for level in levels if row.get(level) is not None]
    return ", ".join(named) or "everything"


def _detail(name: str, row: Row, amount: Decimal) -> str:
    if name == "credits_per_minute":
        return _class_detail(row)
    if name == "price" and row["price_before"] and row["price_after"]:
        return f" (${_price(row['price_before'])} → ${_price(row['price_after'])})"
    if name == "runs":
        before, after = row["runs_before"], row["runs_after"]
    elif name == "minutes_per_run" and row["runs_before"] and row["runs_after"]:
        before, after = (row[f"minutes_{side}"] / row[f"runs_{side}"] for side in ("before", "after"))
    else:
        return ""
    moved = (after > before) - (after < before)
    if moved * amount <= 0 or _count(before) == _count(after):
        return ""
    return f" ({_count(before)} → {_count(after)})"


def _class_detail(row: Row) -> str:
    if row["class_to"] is None:
        return " (no class changed)" if row.get("job") is not None else ""
    whole = row["class_share"] >= _WHOLE_SHARE
    share = "" if whole else f" for {max(1, round(row['class_share'] * 100))} % of the minutes"
    return f" (resource class {row['class_from']} → {row['class_to']}{share})"


def _count(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 or number == round(number) else f"{number:,.1f}"


def _price(price: float) -> str:
    return f"{price:.8f}".rstrip("0").rstrip(".")


def _unit(change: Decimal) -> Decimal:
    return _CENT if change == 0 or abs(change) >= _SMALL else _FINE


def written(amount: Decimal) -> str:
    """A rounded amount with its sign and as many decimals as it has."""
    sign = "+" if amount > 0 else "-" if amount < 0 else ""
    return f"{sign}${abs(amount):,}"
