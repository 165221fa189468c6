"""Rows of daily costs of a period, as the tests of drivers need them."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Context, Decimal
from typing import Any

import polars as pl

from circleci_cost.model.drivers.effects import DRIVERS
from circleci_cost.model.usage.charge_types import CHARGE_TYPES

PRICE = Decimal("0.0006")
_WIDE = Context(prec=80)
_TEXTS = ("cost_center", "organization", "project", "workflow", "job", "resource_class", "executor", "branch")


def period(*rows: Mapping[str, Any], charges: bool = True) -> pl.DataFrame:
    """A period. A row needs nothing: `runs`, `minutes`, credits by charge type, dimensions; `price` None is unpriced.

    Without `charges` only the columns that no decomposition can do without.
    """
    schema: dict[str, Any] = dict.fromkeys(_TEXTS, pl.String) | {"runs": pl.Int64, "run_seconds": pl.Int64}
    schema |= {f"{name}_credits": pl.Decimal(38, 6) for name in CHARGE_TYPES}
    schema |= {f"{name}_cost_usd": pl.Decimal(38, 16) for name in CHARGE_TYPES}
    schema |= {"credits": pl.Decimal(38, 6), "cost_usd": pl.Decimal(38, 16)}
    frame = pl.DataFrame([_row(row) for row in rows], schema=schema)
    return frame if charges else frame.select(*_TEXTS, "runs", "run_seconds", "credits", "cost_usd")


def _row(given: Mapping[str, Any]) -> dict[str, Any]:
    price = given.get("price", PRICE)
    charges = {name: Decimal(given.get(name, 0)) for name in CHARGE_TYPES}
    total = sum(charges.values(), start=Decimal(0))
    row: dict[str, Any] = {"cost_center": "acme", "organization": "acme", "project": "web", "workflow": "build"}
    row |= {"job": "test", "resource_class": "medium", "executor": "docker", "branch": None}
    row |= {name: given[name] for name in _TEXTS if name in given}
    row |= {"runs": given.get("runs", 1), "run_seconds": int(60 * given.get("minutes", 1))}
    row |= {f"{name}_credits": credits for name, credits in charges.items()}
    row |= {f"{name}_cost_usd": None if price is None else credits * price for name, credits in charges.items()}
    return row | {"credits": total, "cost_usd": None if price is None else total * price}


def exact_sum(values: Iterable[Decimal | None]) -> Decimal:
    """The sum to the last digit, without polars; what is missing counts nothing."""
    total = Decimal(0)
    for value in values:
        total = _WIDE.add(total, value or Decimal(0))
    return total


def changes_by(before: pl.DataFrame, after: pl.DataFrame, by: Sequence[str]) -> dict[tuple[Any, ...], Decimal]:
    """The change in cost of each group, added up row by row."""
    sums: dict[tuple[Any, ...], Decimal] = {}
    for sign, side in ((-1, before), (1, after)):
        for row in side.to_dicts():
            key = tuple(row[name] for name in by)
            sums[key] = _WIDE.add(sums.get(key, Decimal(0)), sign * (row["cost_usd"] or Decimal(0)))
    return sums


def effects(row: Mapping[str, Any]) -> dict[str, Decimal]:
    """The effects of a row that are not zero."""
    return {name: row[name] for name in DRIVERS if row[name] != 0}
