"""Budgets for people and programs: trees, amounts in their unit, exact JSON, rows of a table.

Colours and columns of a terminal are the command line's job.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from circleci_cost.model.budgets.periods import LONGEST_FIRST
from circleci_cost.model.budgets.status import STATUS_SCHEMA
from circleci_cost.text.amounts import WIDE, cost_text, credits_text, in_unit, percent

Row = Mapping[str, Any]

_AMOUNTS = ("amount", "actual", "prorated_budget", "run_rate", "forecast_median", "forecast_p10", "forecast_p90")
_CREDITS = "cr"
TABLE_HEADER = (
    "budget",
    "period",
    "amount",
    "actual",
    "used",
    "period gone",
    "forecast (10–90 %)",
    "overrun",
    "overrun on",
    "status",
)


def tree(status: pl.DataFrame) -> Iterator[tuple[int, Row]]:
    """Each row with its depth: children follow their parent, siblings are ordered by name, newest periods first.

    In: rows of `budget_status`. A budget whose parent is not among them stands at the top.
    """
    groups: dict[tuple[int, int], dict[str | None, list[Row]]] = {}
    rows = status.sort("budget").to_dicts()
    present = {(row["budget"], row["period_start"]) for row in rows}
    for row in rows:
        parent = row["parent"] if (row["parent"], row["period_start"]) in present else None
        group = groups.setdefault((LONGEST_FIRST.index(row["period_kind"]), -row["period_start"].toordinal()), {})
        group.setdefault(parent, []).append(row)
    for _, children in sorted(groups.items()):
        yield from _below(None, children, 0)


def _below(parent: str | None, children: Mapping[str | None, Sequence[Row]], depth: int) -> Iterator[tuple[int, Row]]:
    for row in children.get(parent, ()):
        yield depth, row
        yield from _below(row["budget"], children, depth + 1)


def cells(depth: int, row: Row) -> tuple[str, ...]:
    """One row under `TABLE_HEADER`; dollars to the cent, credits whole."""
    unit = row["unit"]
    probability = row["overrun_probability"]
    return (
        f"{'· ' * depth}{row['budget']}",
        row["period"],
        _money(row["amount"], unit),
        _money(row["actual"], unit),
        percent(used(row)),
        percent(row["period_gone"]),
        _forecast(row),
        "–" if probability is None else percent(probability),
        str(row["overrun_date"] or "–"),
        row["status"].replace("_", " "),
    )


def used(row: Row) -> Decimal:
    """The share of the amount that is spent."""
    return WIDE.quantize(WIDE.divide(row["actual"], row["amount"]), Decimal("0.000001"))


def _forecast(row: Row) -> str:
    median, low, high = (row[f"forecast_{name}"] for name in ("median", "p10", "p90"))
    if median is None:
        return "–"
    if low == high:
        return _money(median, row["unit"])
    unit = row["unit"]
    between = "–".join(_money(end, unit).removesuffix(f" {_CREDITS}") for end in (low, high))
    return f"{_money(median, unit)} ({between})"


def _money(value: Decimal, unit: str) -> str:
    return in_unit(value, unit, _CREDITS)


def as_json(rows: Iterable[Row]) -> list[dict[str, object]]:
    """All columns of each row and `used`; decimals are exact strings, dates `YYYY-MM-DD`."""
    return [{name: _json_value(name, row) for name in STATUS_SCHEMA} | {"used": f"{used(row):f}"} for row in rows]


def _json_value(name: str, row: Row) -> object:
    value = row[name]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return cost_text(value) if name in _AMOUNTS and row["unit"] == "USD" else credits_text(value)
    return value
