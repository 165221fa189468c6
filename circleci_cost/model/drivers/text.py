"""Changes in cost as people read them: drivers in words, amounts with their sign, one sentence for a row.

Exact amounts stay in the rows; tables and colours are the command line's job.
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.drivers.seats import SEATS
from circleci_cost.model.usage.display_names import CHARGE_TYPE_NAMES, dimension_name, driver_name
from circleci_cost.text.amounts import WIDE, change_text, change_unit, mean_count, mean_price, written

Row = Mapping[str, Any]

_SHOWN = 4
_WHOLE_SHARE = 0.95


def sentence(row: Row) -> str:
    """One sentence for a row of `decomposition.decompose`: its change, and the drivers from the largest effect down.

    `+$12.34 (+38 %): credits per minute +$11.90 (resource class medium → large), runs +$0.60 (120 → 126), …`. The
    amounts in it add up to the change as shown.
    """
    reasons = reasons_text(row)
    head = change_text(row["before_usd"], row["change_usd"])
    return f"{head}: {reasons}." if reasons else f"{head}."


def reasons_text(row: Row) -> str:
    """The drivers of a row from the largest effect down, without its change; empty where nothing changed."""
    effects = effects_of(row)
    worded = [(amount, *driver_text(name, row, amount)) for name, amount in effects[:_SHOWN]]
    parts = [f"{words} {written(amount)}{figures}" for amount, words, figures in worded]
    rest = sum((amount for _, amount in effects[_SHOWN:]), start=Decimal(0))
    if rest != 0:
        parts.append(f"the rest {written(rest)}")
    return ", ".join(parts)


def effects_of(row: Row) -> list[tuple[str, Decimal]]:
    """The drivers of a row with their effects as shown, the largest first, without those that round to 0."""
    names = sorted((name for name in DRIVERS if row[name] != 0), key=lambda name: (-abs(row[name]), name))
    shown = rounded([row[name] for name in names], row["change_usd"], change_unit(row["change_usd"]))
    return [(name, amount) for name, amount in zip(names, shown, strict=True) if amount != 0]


def driver_text(name: str, row: Row, amount: Decimal) -> tuple[str, str]:
    """A driver in words, and its figures in brackets if they moved in the direction of its effect."""
    one_job = row.get("job") is not None
    return driver_name(name, one_job=one_job), _detail(name, row, amount)


def rounded(amounts: Sequence[Decimal], total: Decimal, unit: Decimal) -> list[Decimal]:
    """Round amounts that add up to a total, so that they add up to the rounded total: by largest remainder."""
    floors = [amount.quantize(unit, rounding=ROUND_FLOOR, context=WIDE) for amount in amounts]
    missing = int((WIDE.quantize(total, unit) - sum(floors, start=Decimal(0))) / unit)
    by_remainder = sorted(range(len(amounts)), key=lambda place: (floors[place] - amounts[place], place))
    for place in by_remainder[:missing]:
        floors[place] += unit
    return floors


def place_text(row: Row, levels: Sequence[str]) -> str:
    """Where a row is: `project data-platform, workflow nightly, job train-model`; `everything` without a level."""
    if row.get("project") == SEATS:
        levels = [level for level in levels if row.get(level) != SEATS]
        return ", ".join([*(f"{dimension_name(level)} {row[level]}" for level in levels), CHARGE_TYPE_NAMES["user"]])
    named = [f"{dimension_name(level)} {row[level]}" for level in levels if row.get(level) is not None]
    return ", ".join(named) or "everything"


def _detail(name: str, row: Row, amount: Decimal) -> str:
    if name == "credits_per_minute":
        return _class_detail(row)
    if name == "price" and row["price_before"] and row["price_after"]:
        return f" ({mean_price(row['price_before'])} → {mean_price(row['price_after'])})"
    if name == "runs":
        before, after = row["runs_before"], row["runs_after"]
    elif name == "minutes_per_run" and row["runs_before"] and row["runs_after"]:
        before, after = (row[f"minutes_{side}"] / row[f"runs_{side}"] for side in ("before", "after"))
    else:
        return ""
    moved = (after > before) - (after < before)
    if moved * amount <= 0 or mean_count(before) == mean_count(after):
        return ""
    return f" ({mean_count(before)} → {mean_count(after)})"


def _class_detail(row: Row) -> str:
    if row["class_to"] is None:
        return " (no class changed)" if row.get("job") is not None else ""
    whole = row["class_share"] >= _WHOLE_SHARE
    share = "" if whole else f" for {max(1, round(row['class_share'] * 100))} % of the minutes"
    return f" (resource class {row['class_from']} → {row['class_to']}{share})"
